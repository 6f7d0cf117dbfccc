"""Rows to touchpoints."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

import msgspec
from msgspec import Struct

from schemas.touchpoint import Touchpoint, channel_error
from stream.mapping.condition import Trigger, When
from stream.mapping.problems import RowProblem, UnmappableError
from stream.mapping.row import Row
from stream.mapping.rows import Input
from stream.mapping.value import Constant, Expression, Template, Value


class Rule(Struct, frozen=True):
    """One kind of event that a row may give: when, and the value of each field in the order of the YAML."""

    name: str
    schema: type[Touchpoint]
    constants: dict[str, Any]
    values: tuple[tuple[str, Value], ...]
    required: frozenset[str]
    when: When = When()
    trigger: Trigger = Trigger()

    def event(self, row: Row, first: Row | None) -> Touchpoint:
        """The touchpoint that ``row`` gives.

        Raises:
            UnmappableError: a required value is missing, cannot be converted, or is not what the schema allows.
        """
        fields = dict(self.constants)
        for name, value in self.values:
            found = _evaluated(name, value, row, first)
            if found is not None:
                fields[name] = found
            elif name in self.required:
                raise UnmappableError(f"{name}: no value")
        try:
            event = msgspec.convert(fields, self.schema)
        except msgspec.ValidationError as error:
            raise UnmappableError(str(error), _shown(fields)) from None
        problem = channel_error(event.channel)
        if problem is not None:
            raise UnmappableError(problem, _shown(fields))
        return event


def _evaluated(name: str, value: Value, row: Row, first: Row | None) -> Any:
    try:
        return value.of(row, first)
    except UnmappableError as error:
        raise UnmappableError(f"{name}: {error.reason}", error.detail) from None


def _shown(fields: dict[str, Any]) -> str:
    """The event as it was refused, cut to 300 characters."""
    return str(fields)[:300]


class RowOutcome(Struct, frozen=True):
    """What became of one row. No events and no problems: no rule asked for it."""

    row: int
    events: tuple[Touchpoint, ...] = ()
    problems: tuple[RowProblem, ...] = ()


class Memory(Struct, frozen=True):
    """What is kept of an entity: the columns that first-row values need, and those that triggers compare."""

    first: Row
    former: dict[str, str | None]


class SourceMapping(msgspec.Struct, frozen=True, dict=True):
    """A source's mapping, valid as it stands. ``columns`` names each column used, with the place in the mapping."""

    input: Input
    entity: Template | Expression | Constant | None
    rules: tuple[Rule, ...]
    columns: dict[str, str]

    @cached_property
    def compared(self) -> frozenset[str]:
        """Columns that are compared with an entity's former row."""
        return frozenset(name for rule in self.rules for name in rule.trigger.columns)

    @cached_property
    def of_first(self) -> frozenset[str]:
        """Columns whose value in an entity's first row is used later."""
        values = (value for rule in self.rules for _, value in rule.values)
        return frozenset(
            name for value in values if isinstance(value, Expression) and value.of_first for name in value.columns
        )

    def outcomes(self, lines: Iterable[str]) -> Iterator[RowOutcome]:
        """What becomes of each row of a file, in its order. Lines keep their ends; not UTF-8 as surrogate escapes.

        Raises:
            MappingError: the file's header lacks a column, or there is no header.
        """
        mapper = Mapper(self)
        for row in self.input.rows(lines, self.columns):
            yield mapper.outcome(row) if isinstance(row, Row) else RowOutcome(row.row, problems=(row,))


class Mapper:
    """Applies a mapping row by row, remembering of each entity its first and its former row."""

    def __init__(self, mapping: SourceMapping) -> None:
        self._mapping = mapping
        self._memories: dict[str, Memory] = {}

    def outcome(self, row: Row) -> RowOutcome:
        """The events of one row, in the order of the rules. One that fails does not hold back the others."""
        mapping = self._mapping
        entity = mapping.entity and mapping.entity.of(row, None)
        memory = self._memories.get(entity) if entity else None
        first = self._first(row, memory) if entity else None
        events: list[Touchpoint] = []
        problems: list[RowProblem] = []
        for rule in mapping.rules:
            try:
                if _applies(rule, row, memory, bool(entity)):
                    events.append(rule.event(row, first))
            except UnmappableError as error:
                problems.append(RowProblem(row.number, row.line, rule.name, error.reason, error.detail))
        if entity and first:
            self._memories[entity] = Memory(first, {name: row.text(name) for name in mapping.compared})
        return RowOutcome(row.number, tuple(events), tuple(problems))

    def _first(self, row: Row, memory: Memory | None) -> Row:
        if memory is not None:
            return memory.first
        return Row(row.number, row.line, {name: row.raw(name) for name in self._mapping.of_first})


def _applies(rule: Rule, row: Row, memory: Memory | None, known: bool) -> bool:
    if not rule.when.holds(row):
        return False
    if not rule.trigger.asked:
        return True
    if not known:
        raise UnmappableError("the entity is empty, so that nothing can be compared")
    return rule.trigger.fires(row, memory.former if memory else None)
