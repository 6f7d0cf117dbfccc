"""The cases of one kind in one partition, and what they contribute to the counters.

What a case will count as at a time to come is not counted before: a timer has the case looked at again then. Some of
what a case counts as is told to another case of the same customer, instead of being counted.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import msgpack
from msgspec.structs import replace

from stream.cases import Case, Contribution, Contributions, Kind, KindOf
from stream.cases.case import Telling, Timed, Told
from stream.config import Config
from stream.facts import BY_DAY
from stream.keeping import Keeping
from stream.segments import Values
from stream.state import State
from stream.tally import Counting
from stream.timers import Timers

_encode = msgpack.Encoder().encode
_decode_name = msgpack.Decoder(tuple[str, ...]).decode


class CaseBook:
    """Keeps cases up to date; where what one counts as changes, the old is taken back where it was counted.

    ``hearers`` are the books that are told of facts of a type.
    """

    def __init__(
        self,
        kind: KindOf[Any, Any],
        config: Config,
        state: State,
        keeping: Keeping,
        tally: Counting,
        timers: Timers | None = None,
        hearers: "Mapping[type, CaseBook] | None" = None,
    ) -> None:
        self._kind = kind
        self._prefix = kind.prefix
        self._kept_ms = config.kept(kind.title)
        self._state = state
        self._keeping = keeping
        self._timers = timers
        self._tally = tally
        self._hearers = {} if hearers is None else hearers

    @property
    def widths(self) -> Sequence[int]:
        """How many parts the names of its cases may have, beside the customer."""
        return self._kind.widths

    def take(self, event: Telling, values: Values, watermark_ms: int) -> None:
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
        if new is not case.counted:
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
        self._count(key, case.counted, (), watermark_ms)
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
            assert isinstance(self._kind, Kind), "what cases tell of is told anew, and not handed over"
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
                self._tally.turn_to(self._customer(key))
                self._become(key, case, self._kind.counted(case), watermark_ms)
                self._tally.turn_back()

    def _customer(self, key: bytes) -> str:
        """Whose case it is."""
        return _decode_name(key[len(self._prefix) :])[0]

    def _become(self, key: bytes, case: Case, new: Contributions, watermark_ms: int) -> None:
        """Count a case as ``new``."""
        if isinstance(case, Timed) and self._timers is not None:
            new = self._by_now(key, case, new, watermark_ms, self._timers)
        old = case.counted
        if new != old:
            case.counted = new
            self._count(key, old, new, watermark_ms)

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

    def _count(self, key: bytes, old: Contributions, new: Contributions, watermark_ms: int) -> None:
        if new[: len(old)] == old:
            new = new[len(old) :]
        else:
            was, now = Counter(old), Counter(new)
            for each in (was - now).elements():
                self._say(key, replace(each, fact=replace(each.fact, sign=-1)), watermark_ms)
            new = tuple((now - was).elements())
        for each in new:
            self._say(key, each, watermark_ms)

    def _say(self, key: bytes, each: Contribution, watermark_ms: int) -> None:
        """Count a contribution, or tell it to whom it matters."""
        kind = type(each.fact)
        hearer = self._hearers.get(kind)
        if hearer is not None:
            hearer.take(Told(self._customer(key), each.fact), each.values, watermark_ms)
        elif kind in BY_DAY:
            self._tally.count_day(each.fact, each.values, each.time_ms, watermark_ms)
        else:
            self._tally.count(each.fact, each.values, each.time_ms, watermark_ms)
