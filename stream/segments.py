"""Segments: what a touchpoint's dimensions say it belongs to."""

from collections import defaultdict
from collections.abc import Callable
from operator import attrgetter
from typing import get_args

import orjson

from schemas.cell import Segment
from schemas.touchpoint import Touchpoint
from schemas.union import AnyTouchpoint
from stream.config import Segmentation
from stream.standing import Standing, impersonal

OTHER = "other"
"""The value that stands for all beyond the cap."""

_MOST_VALUES = 100_000
"""Values whose segments are remembered."""

Values = tuple[str | None, ...]
"""A touchpoint's value for each configured dimension, in order."""

_FIELDS = {name for kind in get_args(AnyTouchpoint) for name in kind.__struct_fields__}
"""What some touchpoints have, such as a survey's purpose."""


def reader(dimensions: tuple[str, ...]) -> Callable[[Touchpoint], Values]:
    """A function that reads a touchpoint's values: texts in fields of the contract as such, others from its labels."""
    fields = set(Touchpoint.__struct_fields__)
    if dimensions and fields.issuperset(dimensions):
        if len(dimensions) == 1:
            return lambda touchpoint: (getattr(touchpoint, dimensions[0]),)
        return attrgetter(*dimensions)

    def read(touchpoint: Touchpoint) -> Values:
        labels = touchpoint.labels or {}
        return tuple(field(touchpoint, name) or labels.get(name) for name in dimensions)

    def field(touchpoint: Touchpoint, name: str) -> str | None:
        value = getattr(touchpoint, name, None) if name in _FIELDS else None
        return value if isinstance(value, str) else None

    return read


class Segments:
    """The segments that values belong to: one for each segmentation whose dimensions all have a value.

    ``known`` holds the segments told apart so far; beyond ``limit`` for one segmentation, new ones become ``other``.
    A segment once known stays known, so a contribution is taken back where it was counted.

    >>> segments = Segments((("channel",), ("channel", "region")), ("channel", "region"), limit=9)
    >>> segments.of(("web", "eu"))
    ((('channel', 'web'),), (('channel', 'web'), ('region', 'eu')))
    >>> segments.of(("web", None))
    ((('channel', 'web'),),)
    """

    def __init__(
        self,
        segmentations: tuple[Segmentation, ...],
        dimensions: tuple[str, ...],
        limit: int,
        known: tuple[Segment, ...] = (),
        own: tuple[str, ...] = (),
    ) -> None:
        def index(names: Segmentation) -> tuple[tuple[str, int], ...]:
            return tuple((name, dimensions.index(name)) for name in names)

        self._indexes = [index(names) for names in segmentations]
        self._own_at = {name: dimensions.index(name) for name in own if name in dimensions}
        self._personal = tuple(names for names in segmentations if impersonal(names, own) != names)
        self._counted = set(segmentations) - set(self._personal)
        kept = dict.fromkeys(impersonal(names, own) for names in segmentations)
        self._by_days = [index(names) for names in kept]
        self._width = len(dimensions)
        self._limit = limit
        self._known: dict[Segment, None] = dict.fromkeys(known)
        self._sizes: defaultdict[Segmentation, int] = defaultdict(int)
        for segment in known:
            self._sizes[_names(segment)] += 1
        self._cache: dict[Values, tuple[int, ...]] = {}
        self._numbers: dict[Segment, int] = {}
        self._by_number: list[Segment] = []
        self.keys: list[str] = []
        """Each segment as text, by its number: what it is called where keys are stored."""
        self.new: list[Segment] = []
        self.capped = 0

    def of(self, values: Values) -> tuple[Segment, ...]:
        """The segments of these values, the order being that of the configuration."""
        return tuple(self._by_number[number] for number in self.numbers(values))

    def numbers(self, values: Values) -> tuple[int, ...]:
        """The same by their numbers, which hold for this process only."""
        found = self._cache.get(values)
        if found is None:
            if len(self._cache) > _MOST_VALUES:
                self._cache.clear()
            known = self._fitted(values)
            segments = (self._segment(index, known) for index in self._indexes)
            found = self._cache[values] = tuple(self._number(segment) for segment in segments if segment is not None)
        return found

    def days(self, values: Values) -> tuple[tuple[int, tuple[int, ...]], ...]:
        """The segments by which days of activity are kept, each with those in which they count.

        These are the same, but for segmentations by what the customer is: days are kept without it, for it changes.
        """
        if not self._personal:
            return tuple((number, (number,)) for number in self.numbers(values))
        known = self._fitted(values)
        segments = (self._segment(index, known) for index in self._by_days)
        standing = Standing(self._personal, **{name: known[at] for name, at in self._own_at.items()})
        return tuple((self._number(each), self._places(each, standing)) for each in segments if each is not None)

    def kept(self, key: str, standing: Standing) -> tuple[int, tuple[int, ...]]:
        """The segment of that key, which may be of another partition, and those in which its days count."""
        segment = self._capped(tuple((name, value) for name, value in orjson.loads(key)))
        return self._number(segment), self._places(segment, standing)

    def by_standing(self, key: str, standing: Standing) -> tuple[int, ...]:
        """The segments of what a customer is in which days count that are kept by the segment of that key."""
        return self._by_standing(tuple((name, value) for name, value in orjson.loads(key)), standing)

    def _places(self, segment: Segment, standing: Standing) -> tuple[int, ...]:
        own = (self._number(segment),) if _names(segment) in self._counted else ()
        return own + self._by_standing(segment, standing)

    def _by_standing(self, segment: Segment, standing: Standing) -> tuple[int, ...]:
        own, rest = standing.own, _names(segment)
        values = {**dict(segment), **own}
        found = (names for names in standing.segmentations if names != rest and impersonal(names, own) == rest)
        return tuple(self._number(self._capped(tuple((name, values[name]) for name in names))) for names in found)

    def _fitted(self, values: Values) -> Values:
        """What is stored may be of other settings."""
        return (*values, *[None] * self._width)[: self._width]

    def segment(self, number: int) -> Segment:
        """The segment of that number."""
        return self._by_number[number]

    def _number(self, segment: Segment) -> int:
        number = self._numbers.get(segment)
        if number is None:
            number = self._numbers[segment] = len(self._by_number)
            self._by_number.append(segment)
            self.keys.append(orjson.dumps(segment).decode())
        return number

    def _segment(self, index: tuple[tuple[str, int], ...], values: Values) -> Segment | None:
        pairs: list[tuple[str, str]] = []
        for name, at in index:
            value = values[at]
            if value is None:
                return None
            pairs.append((name, value))
        return self._capped(tuple(pairs))

    def _capped(self, segment: Segment) -> Segment:
        if segment in self._known or not segment:
            return segment
        names = _names(segment)
        if self._sizes[names] >= self._limit:
            self.capped += 1
            return tuple((name, OTHER) for name in names)
        self._sizes[names] += 1
        self._known[segment] = None
        self.new.append(segment)
        return segment


def _names(segment: Segment) -> Segmentation:
    return tuple(name for name, _ in segment)
