"""Telephone and voice calls."""

from typing import Literal

from schemas.touchpoint import Id, Millis, Priority, Touchpoint


class CallStarted(Touchpoint, frozen=True, kw_only=True, tag="call.started"):
    """Somebody rang: the customer (inbound) or we (outbound)."""

    direction: Literal["inbound", "outbound"] = "inbound"
    priority: Priority | None = None

    @property
    def by_customer(self) -> bool:  # type: ignore[override]
        return self.direction == "inbound"


class CallAnswered(Touchpoint, frozen=True, kw_only=True, tag="call.answered"):
    """A person took the call."""

    agent: Id | None = None
    wait_ms: Millis | None = None


class CallEnded(Touchpoint, frozen=True, kw_only=True, tag="call.ended"):
    """The line was closed."""

    duration_ms: Millis | None = None
    abandoned: bool = False


Call = CallStarted | CallAnswered | CallEnded
