"""A trial of an account, and whether it became a paid subscription."""

from bisect import insort

from msgspec import msgpack

from schemas.account import AccountConverted, TrialStarted
from schemas.touchpoint import Touchpoint
from stream.cases.case import Case, Contribution, Contributions, Kind, Moment, earliest
from stream.facts import Trial as TrialFact
from stream.segments import Values
from stream.slices import DAY_MS

WITHIN_DAYS = 30
"""A conversion later than so many days after the start does not count."""
_CONVERSIONS = 16


class Trial(Case):
    """``started`` is the earliest start: when, by which event, in what segments; ``conversions`` the last, by time."""

    started: Moment | None
    conversions: list[int]

    def encode(self) -> bytes:
        return _encode(self)


class TrialKind(Kind[Trial]):
    """Trials, by the account; where none is named, a customer has one."""

    title = "trial"
    prefix = b"y"
    events = (TrialStarted, AccountConverted)

    def name(self, event: Touchpoint) -> tuple[str, ...] | None:
        return (event.account or "",) if isinstance(event, TrialStarted | AccountConverted) else None

    def begin(self, event: Touchpoint, values: Values) -> Trial:
        return Trial(0, (), None, [])

    def take(self, case: Trial, event: Touchpoint, values: Values) -> Contributions:
        if isinstance(event, TrialStarted):
            case.started = earliest(case.started, event, values)
        else:
            insort(case.conversions, event.time_ms)
            del case.conversions[:-_CONVERSIONS]
        return _counted(case)

    def decode(self, data: bytes) -> Trial:
        return _decode(data)


def _counted(trial: Trial) -> Contributions:
    if trial.started is None:
        return ()
    start_ms, _, values = trial.started
    converted = any(start_ms <= at_ms <= start_ms + WITHIN_DAYS * DAY_MS for at_ms in trial.conversions)
    return (Contribution(start_ms, values, TrialFact(converted)),)


_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(Trial).decode
