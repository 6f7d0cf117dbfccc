"""Where a field's value comes from: a constant, a template, an expression over columns, or several of these."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from stream.mapping.problems import UnmappableError
from stream.mapping.row import ROW_NUMBER, Row, plain

Step = Callable[[str], Any]
"""Text → another value; None where there is none. Raises UnmappableError."""


class Constant(Struct, frozen=True):
    """The same for every row; None says that the field stays empty."""

    value: Any

    @property
    def columns(self) -> frozenset[str]:
        return frozenset()

    def of(self, row: Row, first: Row | None) -> Any:
        return self.value


class Template(Struct, frozen=True):
    """``{number}-{$row}``: literal text and columns by turns (literals at even places).

    It is empty where one of its columns is.
    """

    parts: tuple[str, ...]

    @property
    def columns(self) -> frozenset[str]:
        return frozenset(self.parts[1::2]) - {ROW_NUMBER}

    def of(self, row: Row, first: Row | None) -> str | None:
        if len(self.parts) == 3 and not self.parts[0] and not self.parts[2]:
            return row.text(self.parts[1])
        filled = list(self.parts)
        for place in range(1, len(filled), 2):
            text = row.text(filled[place])
            if text is None:
                return None
            filled[place] = text
        return "".join(filled)


class Table(Struct, frozen=True):
    """A map of values. Text that is not in it becomes ``otherwise``, and an error where there is none."""

    entries: dict[str, str | None]
    otherwise: "Value | None"

    def look_up(self, text: str, row: Row, first: Row | None) -> Any:
        if text in self.entries:
            return self.entries[text]
        if self.otherwise is None:
            raise UnmappableError("not in the map", repr(text))
        return self.otherwise.of(row, first)


class Expression(Struct, frozen=True):
    """Source → table → steps; ``default`` where that leaves nothing. ``of_first`` reads the entity's first row."""

    source: Template
    table: Table | None = None
    steps: tuple[Step, ...] = ()
    default: "Value | None" = None
    of_first: bool = False

    @property
    def columns(self) -> frozenset[str]:
        otherwise = None if self.table is None else self.table.otherwise
        nested = (value.columns for value in (otherwise, self.default) if value is not None)
        return self.source.columns.union(*nested)

    def of(self, row: Row, first: Row | None) -> Any:
        row = self._origin(row, first)
        value: Any = self.source.of(row, first)
        if value is not None and self.table is not None:
            value = self.table.look_up(value, row, first)
        for step in self.steps:
            if value is None or value == "":
                break
            value = step(value)
        if (value is None or value == "") and self.default is not None:
            return self.default.of(row, first)
        return value

    def _origin(self, row: Row, first: Row | None) -> Row:
        if not self.of_first:
            return row
        if first is None:
            raise UnmappableError("the entity is empty, so that it has no first row")
        return first


class Listing(Struct, frozen=True):
    """A column with several values: a JSON array, or text with a separator."""

    column: str
    separator: str | None

    @property
    def columns(self) -> frozenset[str]:
        return frozenset((self.column,))

    def of(self, row: Row, first: Row | None) -> list[str] | None:
        raw = row.raw(self.column)
        if not isinstance(raw, list):
            text = row.text(self.column)
            raw = [] if text is None else text.split(self.separator) if self.separator else [text]
        return [text for item in raw if (text := plain(item, self.column)) is not None] or None


class Items(Struct, frozen=True):
    """Several values, the empty ones left out."""

    items: tuple["Value", ...]

    @property
    def columns(self) -> frozenset[str]:
        return frozenset().union(*(item.columns for item in self.items))

    def of(self, row: Row, first: Row | None) -> list[Any] | None:
        return [value for item in self.items if (value := item.of(row, first)) is not None] or None


class Members(Struct, frozen=True):
    """An object: a value for each member, the empty ones left out."""

    members: tuple[tuple[str, "Value"], ...]

    @property
    def columns(self) -> frozenset[str]:
        return frozenset().union(*(value.columns for _, value in self.members))

    def of(self, row: Row, first: Row | None) -> dict[str, Any] | None:
        pairs = ((name, value.of(row, first)) for name, value in self.members)
        return {name: value for name, value in pairs if value is not None} or None


Value = Constant | Template | Expression | Listing | Items | Members
