"""One turn of a customer's journey."""

from msgspec import Struct, field


class JourneyStep(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The customer moved to another stage, or from one channel to another.

    Of a move between stages, ``stage`` is where they are now, ``from_stage`` where they were (absent at the beginning),
    and ``after_ms`` for how long. Of one between channels, ``from_channel`` is where they were, and ``same_ticket``
    whether it was about the ticket that they spoke of there (absent where they spoke of none).

    ``event`` is the id of the touchpoint that did it; absent where none did, as where nothing was heard for long. With
    ``retracted``, a later touchpoint told that it was not so: what was said under that ``id`` counts no more. The same
    ``id`` may be said twice after a crash.
    """

    id: str
    customer: str
    time_ms: int = field(name="time")
    channel: str
    event: str | None = None
    stage: str | None = None
    from_stage: str | None = None
    after_ms: int | None = None
    from_channel: str | None = None
    same_ticket: bool | None = None
    retracted: bool = False
