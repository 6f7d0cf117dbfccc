"""A row as it was read: text by column, or a JSON object with columns by dotted path."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct

from stream.mapping.problems import UnmappableError

ROW_NUMBER = "$row"
"""What a template calls the number of the row."""


class Row(Struct, frozen=True):
    """``number`` counts data rows from 1 (header, comments and empty lines are none), ``line`` lines of the file."""

    number: int
    line: int
    fields: Mapping[str, Any]

    def raw(self, column: str) -> Any:
        """What stands in ``column`` (``user.name``, ``items.0.id`` in nested objects); None where nothing does."""
        if column in self.fields:
            return self.fields[column]
        return _walk(self.fields, column) if "." in column else None

    def text(self, column: str) -> str | None:
        """The same as trimmed text; None where it is empty.

        Raises:
            UnmappableError: it is a list or an object.
        """
        if column == ROW_NUMBER:
            return str(self.number)
        value = self.raw(column)
        if type(value) is str:
            return value.strip() or None
        return plain(value, column)


def plain(value: Any, column: str) -> str | None:
    """Text of a JSON scalar, numbers without an exponent; None where there is none."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case str():
            return value.strip() or None
        case int():
            return str(value)
        case Decimal():
            return format(value, "f") if abs(value.adjusted()) < 40 else str(value)
    raise UnmappableError(f"{column}: a list or an object where one value was expected")


def _walk(value: Any, path: str) -> Any:
    for part in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value
