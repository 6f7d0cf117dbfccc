"""A customer's answer to one survey: the latest one counts."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct, msgpack

from schemas.survey import DEFAULT_SCALES, SurveyAnswered
from stream.facts import Answered
from stream.segments import Values
from stream.versions import Shape


class Answer(Struct, array_like=True):
    """The answer that is counted, in the slice of ``time_ms`` and the segments of ``values``.

    ``touched_ms`` is the watermark when the customer last answered the survey.
    """

    time_ms: int
    event: str
    values: Values
    counted: Answered
    touched_ms: int = 0

    def encode(self) -> bytes:
        return _SHAPE.encode(_encode(self))


def _touched_when_given(old: list[Any]) -> list[Any]:
    """Version 1 did not say when it was touched: as late as its own time, as far as is known."""
    return [*old, old[0]]


_encode = msgpack.Encoder().encode
_SHAPE = Shape(msgpack.Decoder(Answer).decode, _touched_when_given)
decode: Callable[[bytes], Answer] = _SHAPE.decode


def answer(event: SurveyAnswered, values: Values) -> Answer:
    """The answer that an event gives."""
    scale = event.scale or DEFAULT_SCALES[event.kind]
    return Answer(event.time_ms, event.id, values, Answered(event.kind, event.score, scale.min, scale.max))


def replaces(new: Answer, old: Answer) -> bool:
    """True where ``new`` is the later one; of two at the same moment, the one with the larger event id."""
    return (new.time_ms, new.event) > (old.time_ms, old.event)
