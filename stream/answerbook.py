"""The answers of one partition's customers to surveys, and what they contribute to the counters."""

from msgspec import msgpack
from msgspec.structs import replace

from schemas.survey import SurveyAnswered
from stream import answers
from stream.config import Config
from stream.keeping import ANSWER, Keeping
from stream.segments import Values
from stream.state import State
from stream.tally import Tally

_encode = msgpack.Encoder().encode


class AnswerBook:
    """Keeps the latest answer of a customer to a survey: it counts, and takes the place of the one before."""

    def __init__(self, config: Config, state: State, keeping: Keeping, tally: Tally) -> None:
        self._kept_ms = config.answer_kept_ms
        self._state = state
        self._keeping = keeping
        self._tally = tally

    def take(self, event: SurveyAnswered, values: Values, watermark_ms: int) -> None:
        """An answer came."""
        key = ANSWER + _encode((event.customer, event.survey, event.kind))
        old = self._state.get(key, answers.decode)
        new = answers.answer(event, values)
        if old is not None and old.touched_ms >= watermark_ms - self._kept_ms:
            if not answers.replaces(new, old):
                self._state.put(key, old)
                self._keeping.touch(key, old, watermark_ms)
                return
            new.touched_ms = old.touched_ms
            self._tally.count(replace(old.counted, sign=-1), old.values, old.time_ms, watermark_ms)
        self._state.put(key, new)
        self._keeping.touch(key, new, watermark_ms)
        self._tally.count(new.counted, values, event.time_ms, watermark_ms)
