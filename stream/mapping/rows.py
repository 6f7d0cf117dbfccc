"""How a file's lines become rows: CSV with its dialects, or one JSON object on each line."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Literal

import msgspec
from msgspec import Struct

from stream.mapping.problems import MappingError, RowProblem
from stream.mapping.row import Row

Rows = Iterator[Row | RowProblem]
JSON_OBJECT = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


class NdjsonInput(Struct, frozen=True):
    """One JSON object on each line. ``order``: as in the file, or by event time (which needs the whole in memory)."""

    order: Literal["file", "time"] = "file"

    def rows(self, lines: Iterable[str], needed: Mapping[str, str]) -> Rows:
        number = 0
        for line, text in enumerate(lines, 1):
            if not text.strip():
                continue
            number += 1
            yield _json_row(number, line, text)


def _json_row(number: int, line: int, text: str) -> Row | RowProblem:
    try:
        return Row(number, line, JSON_OBJECT.decode(text.encode("utf-8", "surrogateescape")))
    except (msgspec.DecodeError, UnicodeError) as error:
        return RowProblem(number, line, "", "not a JSON object", str(error))


class CsvInput(Struct, frozen=True):
    """``delimiter`` None is any run of white space, without quotes. ``columns`` None: the first row names them.

    ``skip`` lines are left out at the top, and rows that begin with ``comment``, and empty ones.
    """

    delimiter: str | None = ","
    columns: tuple[str, ...] | None = None
    skip: int = 0
    comment: str | None = None
    order: Literal["file", "time"] = "file"

    def rows(self, lines: Iterable[str], needed: Mapping[str, str]) -> Rows:
        """Rows, and what could not become one.

        Raises:
            MappingError: the header lacks a column of ``needed`` (column → where the mapping names it).
        """
        columns, number = self.columns, 0
        for line, cells in self._cells(lines):
            if columns is None:
                columns = _header(cells, needed)
                continue
            number += 1
            yield _csv_row(number, line, columns, cells)
        if columns is None:
            raise MappingError(["the file is empty: it has no header. Give it one, or name its columns in the mapping"])

    def _cells(self, lines: Iterable[str]) -> Iterator[tuple[int, list[str] | str]]:
        """Line number and cells of each row that counts, or in place of the cells what is wrong."""
        remaining = iter(lines)
        for _ in range(self.skip):
            next(remaining, None)
        for line, cells in self._split(remaining):
            if cells and not (self.comment and cells[0].startswith(self.comment)):
                yield line + self.skip, cells

    def _split(self, lines: Iterator[str]) -> Iterator[tuple[int, list[str] | str]]:
        if self.delimiter is None:
            yield from ((line, text.split()) for line, text in enumerate(lines, 1))
            return
        reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
        while True:
            try:
                yield reader.line_num + 1, next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield reader.line_num, f"not CSV: {error}"


def _header(cells: list[str] | str, needed: Mapping[str, str]) -> tuple[str, ...]:
    if isinstance(cells, str):
        raise MappingError([f"the header is {cells}"])
    columns = tuple(cell.strip() for cell in cells)
    problems = [f"{where}: the file has no column {name!r}" for name, where in needed.items() if name not in columns]
    problems += [f"the header names {name!r} twice" for name in sorted(set(columns)) if columns.count(name) > 1]
    if problems:
        problems.append(f"the header has: {', '.join(columns)}. Correct the mapping, or take the one for this file")
        raise MappingError(problems)
    return columns


def _csv_row(number: int, line: int, columns: tuple[str, ...], cells: list[str] | str) -> Row | RowProblem:
    if isinstance(cells, str):
        return RowProblem(number, line, "", *cells.split(": ", 1))
    if len(cells) != len(columns):
        return RowProblem(number, line, "", "wrong number of columns", f"{len(cells)} in place of {len(columns)}")
    if any(not cell.isascii() and _undecodable(cell) for cell in cells):
        return RowProblem(number, line, "", "not UTF-8")
    return Row(number, line, dict(zip(columns, cells, strict=True)))


def _undecodable(text: str) -> bool:
    """Bytes that are no UTF-8 arrive as lone surrogates (``surrogateescape``)."""
    return any("\ud800" <= character <= "\udfff" for character in text)


Input = CsvInput | NdjsonInput
