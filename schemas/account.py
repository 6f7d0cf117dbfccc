"""The customer's account and subscription."""

from schemas.touchpoint import EpochMillis, Label, Name, Touchpoint


class _Account(Touchpoint, frozen=True, kw_only=True):
    account: Label | None = None
    plan: Name | None = None
    by_customer = True


class AccountCreated(_Account, frozen=True, kw_only=True, tag="account.created"):
    """Somebody became known to us."""


class TrialStarted(_Account, frozen=True, kw_only=True, tag="account.trial_started"):
    """A trial began; ``ends_ms`` is when it runs out, where known."""

    ends_ms: EpochMillis | None = None


class AccountConverted(_Account, frozen=True, kw_only=True, tag="account.converted"):
    """The trial became a paid subscription."""


class AccountCancelled(_Account, frozen=True, kw_only=True, tag="account.cancelled"):
    """The customer left."""

    reason: Name | None = None


Account = AccountCreated | TrialStarted | AccountConverted | AccountCancelled
