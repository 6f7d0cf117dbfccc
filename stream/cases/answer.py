"""A customer's answer to one survey: the latest one counts."""

from typing import Any

from msgspec import msgpack

from schemas.survey import DEFAULT_SCALES, SurveyAnswered
from schemas.touchpoint import Touchpoint
from stream.cases.case import Case, Contribution, Contributions, Kind
from stream.config import Config
from stream.facts import Answered
from stream.segments import Values
from stream.versions import Shape
from stream.vocabulary import Vocabulary


class Answer(Case):
    """``event`` is the id of the answer that is counted; empty before there is one."""

    event: str

    def encode(self) -> bytes:
        return _SHAPE.encode(_encode(self))


class AnswerKind(Kind[Answer]):
    """Answers, by survey and what it asks. Of two at the same moment, the one with the larger event id is later."""

    title = "answer"
    prefix = b"s"
    events = (SurveyAnswered,)
    widths = (2,)

    def __init__(self, config: Config, reasons: Vocabulary | None = None) -> None:
        """``reasons`` are the codes that are told apart; without them, those of this kind alone."""
        super().__init__(config)
        self._reasons = Vocabulary(config.max_reasons) if reasons is None else reasons

    def name(self, event: Touchpoint) -> tuple[str, ...] | None:
        return (event.survey, event.kind) if isinstance(event, SurveyAnswered) else None

    def begin(self, event: Touchpoint, values: Values) -> Answer:
        return Answer(0, (), "")

    def take(self, case: Answer, event: Touchpoint, values: Values) -> Contributions | None:
        if not isinstance(event, SurveyAnswered):
            return case.counted
        if case.counted and (event.time_ms, event.id) <= (case.counted[0].time_ms, case.event):
            return case.counted
        case.event = event.id
        scale = event.scale or DEFAULT_SCALES[event.kind]
        reasons = tuple(sorted(set(map(self._reasons.known, event.reasons))))
        answered = Answered(event.kind, event.score, scale.min, scale.max, reasons=reasons)
        return (Contribution(event.time_ms, values, answered),)

    def join(self, case: Answer, other: Answer) -> Contributions:
        if _when(other) > _when(case):
            case.event = other.event
            return other.counted
        return case.counted

    @staticmethod
    def decode(data: bytes) -> Answer:
        return _SHAPE.decode(data)


def _when(answer: Answer) -> tuple[int, str]:
    return answer.counted[0].time_ms if answer.counted else 0, answer.event


def _touched_when_given(old: list[Any]) -> list[Any]:
    """Version 1 did not say when it was touched: as late as its own time, as far as is known."""
    return [*old, old[0]]


def _as_a_case(old: list[Any]) -> list[Any]:
    """Version 2 had the fact by the names of its fields, and apart from its time and values."""
    time_ms, event, values, fact, touched_ms = old
    counted = ["Answered", fact["kind"], fact["score"], fact["low"], fact["high"]]
    return [touched_ms, [[time_ms, values, counted]], event]


_encode = msgpack.Encoder().encode
_SHAPE = Shape(msgpack.Decoder(Answer).decode, _touched_when_given, _as_a_case)
