"""A trial of an account, and whether it became a paid subscription."""

from bisect import insort
from typing import Any

from msgspec import msgpack

from schemas.account import AccountConverted, TrialStarted
from schemas.touchpoint import Touchpoint
from stream.cases.case import Contribution, Contributions, Kind, Moment, Timed, earliest, sooner
from stream.facts import Trial as TrialFact
from stream.facts import TrialExpired
from stream.segments import Values
from stream.slices import DAY_MS
from stream.versions import Shape

WITHIN_DAYS = 30
"""A conversion later than so many days after the start does not count; by then a trial is over at the latest."""
_CONVERSIONS = 16


class Trial(Timed):
    """``started`` is the earliest start: when, by which event, in what segments; ``conversions`` the last, by time.

    ``ends_ms`` is when the trial runs out, as that start says.
    """

    started: Moment | None
    conversions: list[int]
    ends_ms: int | None = None

    def encode(self) -> bytes:
        return _SHAPE.encode(_encode(self))


class TrialKind(Kind[Trial]):
    """Trials, by the account; where none is named, a customer has one."""

    title = "trial"
    prefix = b"y"
    events = (TrialStarted, AccountConverted)
    timed = True

    def name(self, event: Touchpoint) -> tuple[str, ...] | None:
        return (event.account or "",) if isinstance(event, TrialStarted | AccountConverted) else None

    def begin(self, event: Touchpoint, values: Values) -> Trial:
        return Trial(0, (), 0, None, [])

    def take(self, case: Trial, event: Touchpoint, values: Values) -> Contributions:
        if isinstance(event, TrialStarted):
            case.started, known = earliest(case.started, event, values), case.started
            if case.started is not known:
                case.ends_ms = event.ends_ms
        else:
            insort(case.conversions, event.time_ms)
            del case.conversions[:-_CONVERSIONS]
        return self.counted(case)

    def counted(self, case: Trial) -> Contributions:
        """A trial where it began; and that it ran out, where it was not paid by then."""
        if case.started is None:
            return ()
        start_ms, _, values = case.started
        latest_ms = start_ms + WITHIN_DAYS * DAY_MS
        end_ms = latest_ms if case.ends_ms is None else min(max(case.ends_ms, start_ms), latest_ms)
        paid_ms = [at_ms for at_ms in case.conversions if start_ms <= at_ms <= latest_ms]
        trial = Contribution(start_ms, values, TrialFact(converted=bool(paid_ms)))
        if any(at_ms <= end_ms for at_ms in paid_ms):
            return (trial,)
        return trial, Contribution(end_ms, values, TrialExpired())

    def join(self, case: Trial, other: Trial) -> Contributions:
        if (started := sooner(case.started, other.started)) is not case.started:
            case.started, case.ends_ms = started, other.ends_ms
        case.conversions = sorted((*case.conversions, *other.conversions))[-_CONVERSIONS:]
        return self.counted(case)

    @staticmethod
    def decode(data: bytes) -> Trial:
        return _SHAPE.decode(data)


def _not_due(old: list[Any]) -> list[Any]:
    """Version 1 had no timers: the next touchpoint sets one."""
    touched_ms, counted, *rest = old
    return [touched_ms, counted, 0, *rest]


_encode = msgpack.Encoder().encode
_SHAPE = Shape(msgpack.Decoder(Trial).decode, _not_due)
