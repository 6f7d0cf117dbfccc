"""Named conversions: newsletter signed up, checkout completed."""

from schemas.touchpoint import Name, Touchpoint


class GoalTried(Touchpoint, frozen=True, kw_only=True, tag="goal.tried"):
    """The customer set out for ``goal``."""

    goal: Name
    by_customer = True


class GoalReached(Touchpoint, frozen=True, kw_only=True, tag="goal.reached"):
    """The customer got there."""

    goal: Name
    by_customer = True


Goal = GoalTried | GoalReached
