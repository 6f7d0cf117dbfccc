"""What a customer is now: the dimensions that follow from the customer's own history, not from a touchpoint."""

from collections.abc import Collection
from typing import NamedTuple

PERSONA, STAGE = "persona", "stage"
"""These dimensions: by the rules of the settings, and by the journey."""


class Standing(NamedTuple):
    """What somebody is, and in which ``segmentations`` the days of activity count by it; None: in none.

    >>> Standing((("stage",),), stage="purchase").own
    {'stage': 'purchase'}
    """

    segmentations: tuple[tuple[str, ...], ...] = ()
    persona: str | None = None
    stage: str | None = None

    @property
    def own(self) -> dict[str, str]:
        """The values that somebody has by the own history."""
        both = {PERSONA: self.persona, STAGE: self.stage}
        return {name: value for name, value in both.items() if value is not None}


NOBODY = Standing()


def impersonal(names: tuple[str, ...], own: Collection[str]) -> tuple[str, ...]:
    """A segmentation without what somebody is by the ``own`` history.

    >>> impersonal(("persona", "channel", "stage"), ("stage",))
    ('persona', 'channel')
    """
    return tuple(name for name in names if name not in own)
