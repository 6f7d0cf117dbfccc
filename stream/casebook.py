"""The cases of one kind in one partition, and what they contribute to the counters."""

from collections import Counter
from typing import Any

from msgspec import msgpack
from msgspec.structs import replace

from schemas.touchpoint import Touchpoint
from stream.cases import Case, Contributions, Kind
from stream.config import Config
from stream.keeping import Keeping
from stream.segments import Values
from stream.state import State
from stream.tally import Tally

_encode = msgpack.Encoder().encode


class CaseBook:
    """Keeps cases up to date; where what one counts as changes, the old is taken back where it was counted."""

    def __init__(self, kind: Kind[Any], config: Config, state: State, keeping: Keeping, tally: Tally) -> None:
        self._kind = kind
        self._prefix = kind.prefix
        self._kept_ms = config.kept(kind.title)
        self._state = state
        self._keeping = keeping
        self._tally = tally

    def take(self, event: Touchpoint, values: Values, watermark_ms: int) -> None:
        """Something happened to the case that ``event`` is about, if any."""
        name = self._kind.name(event)
        if name is None:
            return
        key = self._prefix + _encode((event.customer, *name))
        case: Case | None = self._state.get(key, self._kind.decode)
        if case is None or case.touched_ms < watermark_ms - self._kept_ms:
            case = self._kind.begin(event, values)
        try:
            new = self._kind.take(case, event, values)
        except Exception:
            self._state.put(key, case)  # so that a rollback forgets what was half done
            raise
        if new is None:
            return
        self._state.put(key, case)
        self._keeping.touch(key, case, watermark_ms)
        old = case.counted
        if new != old:
            case.counted = new
            self._count(old, new, watermark_ms)

    def _count(self, old: Contributions, new: Contributions, watermark_ms: int) -> None:
        if new[: len(old)] == old:
            new = new[len(old) :]
        else:
            was, now = Counter(old), Counter(new)
            for each in (was - now).elements():
                self._tally.count(replace(each.fact, sign=-1), each.values, each.time_ms, watermark_ms)
            new = tuple((now - was).elements())
        for each in new:
            self._tally.count(each.fact, each.values, each.time_ms, watermark_ms)
