"""The cases of one kind in one partition, and what they contribute to the counters.

What a case will count as at a time to come is not counted before: a timer has the case looked at again then.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from msgspec import msgpack
from msgspec.structs import replace

from schemas.touchpoint import Touchpoint
from stream.cases import Case, Contributions, Kind
from stream.cases.case import Timed
from stream.config import Config
from stream.keeping import Keeping
from stream.segments import Values
from stream.state import State
from stream.tally import Counting
from stream.timers import Timers

_encode = msgpack.Encoder().encode


class CaseBook:
    """Keeps cases up to date; where what one counts as changes, the old is taken back where it was counted."""

    def __init__(
        self,
        kind: Kind[Any],
        config: Config,
        state: State,
        keeping: Keeping,
        tally: Counting,
        timers: Timers | None = None,
    ) -> None:
        self._kind = kind
        self._prefix = kind.prefix
        self._kept_ms = config.kept(kind.title)
        self._state = state
        self._keeping = keeping
        self._timers = timers
        self._tally = tally

    @property
    def widths(self) -> Sequence[int]:
        """How many parts the names of its cases may have, beside the customer."""
        return self._kind.widths

    def take(self, event: Touchpoint, values: Values, watermark_ms: int) -> None:
        """Something happened to the case that ``event`` is about, if any."""
        name = self._kind.name(event)
        if name is None:
            return
        if self._timers is not None:
            self.run_out(watermark_ms)
        key = self._prefix + _encode((event.customer, *name))
        case = self._known(key, watermark_ms) or self._kind.begin(event, values)
        try:
            new = self._kind.take(case, event, values)
        except Exception:
            self._state.put(key, case)  # so that a rollback forgets what was half done
            raise
        if new is None:
            return
        self._state.put(key, case)
        self._keeping.touch(key, case, watermark_ms)
        self._become(key, case, new, watermark_ms)

    def _known(self, key: bytes, watermark_ms: int) -> Case | None:
        """The case under ``key``, unless nothing was heard of it for so long that it is forgotten."""
        case: Case | None = self._state.get(key, self._kind.decode)
        if case is None or case.touched_ms >= watermark_ms - self._kept_ms:
            return case
        self._become(key, case, self._kind.counted(case), watermark_ms)  # what was due before it is forgotten
        return None

    def withdraw(self, key: bytes, watermark_ms: int) -> bytes | None:
        """Count the case under ``key`` no more, and forget it; as it was stored. None where there is none."""
        case = self._known(key, watermark_ms)
        if case is None:
            return None
        stored = case.encode()
        self._count(case.counted, (), watermark_ms)
        self._state.delete(key)
        return stored

    def absorb(self, name: Sequence[str], stored: bytes, watermark_ms: int) -> None:
        """A case of another id of the same customer, whose id comes first in ``name``, is a case of this one."""
        key = self._prefix + _encode(name)
        other = self._kind.decode(stored)
        case = self._known(key, watermark_ms)
        if case is None:
            case, new = other, self._kind.counted(other)
            case.counted, case.touched_ms = (), 0
            if isinstance(case, Timed):
                case.due_ms = 0
        else:
            new = self._kind.join(case, other)
        self._state.put(key, case)
        self._keeping.touch(key, case, watermark_ms)
        self._become(key, case, new, watermark_ms)

    def run_out(self, watermark_ms: int) -> None:
        """Look at the cases whose time has come, where these have timers."""
        if self._timers is None:
            return
        now_ms = self._timers.passing.now_ms(watermark_ms)
        for due_ms, key in self._timers.run_out(now_ms):
            case = self._state.get(key, self._kind.decode)
            if isinstance(case, Timed) and case.due_ms == due_ms:
                self._state.put(key, case)
                self._become(key, case, self._kind.counted(case), watermark_ms)

    def _become(self, key: bytes, case: Case, new: Contributions, watermark_ms: int) -> None:
        """Count a case as ``new``."""
        if isinstance(case, Timed) and self._timers is not None:
            new = self._by_now(key, case, new, watermark_ms, self._timers)
        old = case.counted
        if new != old:
            case.counted = new
            self._count(old, new, watermark_ms)

    def _by_now(self, key: bytes, case: Timed, new: Contributions, watermark_ms: int, timers: Timers) -> Contributions:
        """Of what a case counts as, that of which the time has come; a timer for the rest, where none is set.

        What would come after the case is forgotten never does.
        """
        now_ms, forgotten_ms = timers.passing.now_ms(watermark_ms), case.touched_ms + self._kept_ms
        due_ms = min((each.time_ms for each in new if now_ms < each.time_ms <= forgotten_ms), default=0)
        if not now_ms < case.due_ms <= due_ms:
            case.due_ms = due_ms
            if due_ms:
                timers.set(key, due_ms)
        return tuple(each for each in new if each.time_ms <= min(now_ms, forgotten_ms))

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
