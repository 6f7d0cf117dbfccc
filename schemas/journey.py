"""One step of a customer's journey."""

from typing import Literal

from msgspec import Struct, field

Stage = Literal["awareness", "consideration", "purchase", "retention", "advocacy", "lapsed"]


class JourneyStep(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The customer moved to another stage, or from one channel to another.

    ``event`` is the id of the touchpoint that did it; ``after_ms`` how long the customer was in the former stage.
    """

    customer: str
    event: str
    time_ms: int = field(name="time")
    channel: str
    stage: Stage
    from_stage: Stage | None = None
    from_channel: str | None = None
    after_ms: int | None = None
