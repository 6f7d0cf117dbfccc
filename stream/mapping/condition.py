"""When a rule makes an event: conditions on the row, and changes against the entity's former row."""

import re
from collections.abc import Callable
from decimal import Decimal

from msgspec import Struct

from stream.mapping.convert import number
from stream.mapping.row import Row

Test = Callable[[str | None], bool]
"""Does this text of a column (None: empty) meet the condition?"""


class OneOf(Struct, frozen=True):
    """The text is one of these."""

    texts: frozenset[str]

    def __call__(self, text: str | None) -> bool:
        return text in self.texts


class Between(Struct, frozen=True):
    """A number from ``low`` to ``high``, both included; what is no number is not between."""

    low: Decimal
    high: Decimal

    def __call__(self, text: str | None) -> bool:
        value = None if text is None else number(text)
        return value is not None and self.low <= value <= self.high


class Matches(Struct, frozen=True):
    """The whole text matches the regular expression."""

    pattern: str

    def __call__(self, text: str | None) -> bool:
        return text is not None and re.fullmatch(self.pattern, text) is not None


class Empty(Struct, frozen=True):
    """Nothing is there."""

    def __call__(self, text: str | None) -> bool:
        return text is None


class Not(Struct, frozen=True):
    """The opposite."""

    test: Test

    def __call__(self, text: str | None) -> bool:
        return not self.test(text)


Conjunction = tuple[tuple[str, Test], ...]
"""Tests by column that must all be met."""


class When(Struct, frozen=True):
    """One of the alternatives must be met, where there are any."""

    alternatives: tuple[Conjunction, ...] = ()

    @property
    def columns(self) -> frozenset[str]:
        return frozenset(column for tests in self.alternatives for column, _ in tests)

    def holds(self, row: Row) -> bool:
        return not self.alternatives or any(
            all(test(row.text(column)) for column, test in tests) for tests in self.alternatives
        )


class Trigger(Struct, frozen=True):
    """What must have happened to the entity since its former row; nothing asked is always met.

    ``first``: there is no former row. ``changed``: one of these columns has another value (or there is no former row).
    ``increased``: this number is greater (never on the first row).
    """

    first: bool = False
    changed: tuple[str, ...] = ()
    increased: str | None = None

    @property
    def columns(self) -> frozenset[str]:
        return frozenset(self.changed) | ({self.increased} if self.increased else frozenset())

    @property
    def asked(self) -> bool:
        return self.first or bool(self.changed) or self.increased is not None

    def fires(self, row: Row, former: dict[str, str | None] | None) -> bool:
        if self.first and former is not None:
            return False
        if self.changed and former is not None and all(row.text(name) == former[name] for name in self.changed):
            return False
        return self.increased is None or _increased(self.increased, row, former)


def _increased(column: str, row: Row, former: dict[str, str | None] | None) -> bool:
    before, now = (former or {}).get(column), row.text(column)
    values = [None if text is None else number(text) for text in (before, now)]
    return values[0] is not None and values[1] is not None and values[1] > values[0]
