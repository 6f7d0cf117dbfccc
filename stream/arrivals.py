"""What touchpoints count as because they arrived: of their type, in all segments of their values."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count

from schemas.touchpoint import Touchpoint
from stream.facts import Arrived
from stream.segments import Segments, Values
from stream.tally import Coder, Tally

_MOST = 10_000
"""Different arrivals that are remembered."""


@dataclass(slots=True)
class Arrival:
    """What touchpoints with the same ``values`` count as.

    ``days`` are the segments by which days of activity are kept, each with those in which they count; ``place`` stands
    for the former: quicker to look up.
    """

    values: Values
    days: tuple[tuple[int, tuple[int, ...]], ...]
    place: int
    codes: tuple[int, ...]


@dataclass(slots=True)
class _Kind:
    """A type of touchpoint, and the arrivals known of it and of all others that count as the same."""

    tag: str
    coder: Coder
    arrivals: dict[Values, Arrival]


class Arrivals:
    """Counts arrivals of one partition; ``tags`` has the type of each in this batch."""

    def __init__(self, tally: Tally, segments: Segments) -> None:
        self._tally = tally
        self._segments = segments
        self._kinds: dict[type, _Kind] = {}
        self._places: dict[tuple[int, ...], int] = {}
        self._next_place = count()
        self._types: Counter[type] = Counter()

    def take(
        self, events: Sequence[Touchpoint], values: Iterable[Values], watermarks_ms: Iterable[int]
    ) -> list[Arrival]:
        """Count these; what each of them is."""
        types = list(map(type, events))
        self._types.update(types)
        kinds, add = self._kinds, self._tally.add
        found = []
        for event, kind_type, value, watermark_ms in zip(events, types, values, watermarks_ms, strict=True):
            kind = kinds.get(kind_type) or self._kind(event)
            arrival = kind.arrivals.get(value) or self._arrival(kind, value)
            add(arrival.codes, event.time_ms, watermark_ms)
            found.append(arrival)
        return found

    def by_type(self) -> Counter[str]:
        """How many there were in this batch, by type."""
        return Counter({self._kinds[kind].tag: number for kind, number in self._types.items()})

    def clear(self) -> None:
        """Begin the next batch."""
        self._types.clear()

    def _kind(self, event: Touchpoint) -> _Kind:
        """What there is to know of all touchpoints of a type."""
        tag = str(event.__struct_config__.tag)
        coder = self._tally.coder(Arrived(tag))
        alike = next((kind.arrivals for kind in self._kinds.values() if kind.coder is coder), {})
        kind = self._kinds[type(event)] = _Kind(tag, coder, alike)
        return kind

    def _arrival(self, kind: _Kind, values: Values) -> Arrival:
        """What the arrival of such a touchpoint counts as; kept for the next like it."""
        if len(kind.arrivals) > _MOST:
            kind.arrivals.clear()
        codes = tuple(kind.coder[segment] for segment in self._segments.numbers(values))
        days = self._segments.days(values)
        place = self._place(tuple(number for number, _ in days))
        found = kind.arrivals[values] = Arrival(values, days, place, codes)
        return found

    def _place(self, segments: tuple[int, ...]) -> int:
        """A number for these segments, that no others ever get."""
        if len(self._places) > _MOST:
            self._places.clear()
        return self._places.setdefault(segments, next(self._next_place))
