"""From YAML to values: constants, templates and expressions, fitted to the field they fill."""

import re
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from schemas.touchpoint import channel_error
from stream.mapping import nodes
from stream.mapping.convert import CASINGS, DATED, Instant, Whole, boolean, number
from stream.mapping.fields import Field
from stream.mapping.nodes import Mistakes
from stream.mapping.problems import UnmappableError
from stream.mapping.row import ROW_NUMBER
from stream.mapping.value import Constant, Expression, Items, Listing, Members, Step, Table, Template, Value

EVENT_NAME = "$event"
SOURCES = ("column", "columns", "template")
KEYS = (*SOURCES, "map", "otherwise", "default", "format", "at", "timezone", "times", "as", "split", "first")
PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


class Scope(Struct, frozen=True):
    """What a value needs to know of its surroundings. ``event`` is the rule's name, None outside of events."""

    mistakes: Mistakes
    zone: str
    event: str | None
    where: dict[str, str]
    """Column → the place that first named it: filled while parsing, to be compared with a file's header."""

    def column(self, name: str, node: Node) -> str:
        if not name:
            self.mistakes.add(node, "a column's name is missing")
        elif name != ROW_NUMBER:
            self.where.setdefault(name, self.mistakes.where(node))
        return name


def parse_field(node: Node, field: Field, scope: Scope) -> Value:
    """The value of one field of an event."""
    value = _field_value(node, field, scope)
    if isinstance(value, Constant) and value.value is not None:
        _check_constant(value.value, field, node, scope)
    return value


def _field_value(node: Node, field: Field, scope: Scope) -> Value:
    if nodes.is_null(node):
        return Constant(None)
    if field.kind in ("object", "labels") and not _is_expression(node):
        return _members(node, field, scope)
    if isinstance(node, SequenceNode):
        return _items(node, field, scope)
    if isinstance(node, ScalarNode):
        return _scalar(node, field, scope)
    return _expression(node, field, scope)


def _is_expression(node: Node) -> bool:
    return isinstance(node, MappingNode) and any(key.value in SOURCES for key, _ in node.value)


def _members(node: Node, field: Field, scope: Scope) -> Value:
    known = {member.name: member for member in field.members} or None
    given = nodes.entries(node, f"`{field.name}`", scope.mistakes, known)
    text = Field("", "text", False, str)
    members = {
        name: parse_field(value, known[name] if known else msgspec.structs.replace(text, name=name), scope)
        for name, value in given.items()
    }
    if all(isinstance(value, Constant) for value in members.values()):
        return Constant({name: value.of(None, None) for name, value in members.items()})  # type: ignore[arg-type]
    return Members(tuple(members.items()))


def _items(node: SequenceNode, field: Field, scope: Scope) -> Value:
    if field.kind != "list":
        scope.mistakes.add(node, f"`{field.name}` takes one value, not a list")
        return Constant(None)
    one = Field(field.name, "text", False, str)
    return Items(tuple(_field_value(item, one, scope) for item in node.value))


def _scalar(node: ScalarNode, field: Field, scope: Scope) -> Value:
    template = parse_template(node, scope)
    steps = _conversion({}, field, node, scope)
    if not template.columns and ROW_NUMBER not in template.parts:
        return _constant(template.parts[0], steps, field, node, scope)
    return Expression(template, steps=steps) if steps else template


def _constant(text: str, steps: tuple[Step, ...], field: Field, node: Node, scope: Scope) -> Value:
    value: Any = text
    try:
        for step in steps:
            value = step(value)
    except UnmappableError as error:
        scope.mistakes.add(node, f"`{field.name}`: {error}")
        return Constant(None)
    return Constant(value)


def _check_constant(value: Any, field: Field, node: Node, scope: Scope) -> None:
    try:
        msgspec.convert(value, field.type)
        problem = channel_error(value) if field.name == "channel" else None
        if problem is not None:
            raise msgspec.ValidationError(problem)
    except msgspec.ValidationError as error:
        shown = f" `{value}`" if isinstance(value, str | int) else ""
        scope.mistakes.add(node, f"`{field.name}` cannot be{shown}: {error}")


def _expression(node: Node, field: Field, scope: Scope) -> Value:
    what = f"`{field.name}`"
    given = nodes.entries(node, what, scope.mistakes, KEYS)
    if field.kind == "list":
        return _listing(given, field, node, scope)
    source = _source(given, what, node, scope)
    plain = Field(field.name, "text", False, str)
    if "otherwise" in given and "map" not in given:
        scope.mistakes.add(given["otherwise"], f"{what}: `otherwise` is for what a `map` leaves: use `default`")
    return Expression(
        source,
        table=_table(given, plain, scope) if "map" in given else None,
        steps=(*_casing(given, what, scope), *_conversion(given, field, node, scope)),
        default=_field_value(given["default"], field, scope) if "default" in given else None,
        of_first=nodes.truth(given["first"], f"{what}: `first`", scope.mistakes) if "first" in given else False,
    )


def _listing(given: dict[str, Node], field: Field, node: Node, scope: Scope) -> Value:
    for key in given.keys() - {"column", "split"}:
        scope.mistakes.add(given[key], f"`{field.name}` is a list: it takes `column` and `split` only, not `{key}`")
    if "column" not in given:
        scope.mistakes.add(node, f"`{field.name}`: name a `column`")
        return Constant(None)
    column = scope.column(nodes.text(given["column"], f"`{field.name}`: `column`", scope.mistakes), given["column"])
    separator = nodes.text(given["split"], f"`{field.name}`: `split`", scope.mistakes) if "split" in given else None
    return Listing(column, separator)


def _source(given: dict[str, Node], what: str, node: Node, scope: Scope) -> Template:
    sources = [key for key in SOURCES if key in given]
    if len(sources) != 1:
        scope.mistakes.add(node, f"{what}: give one of `column`, `columns`, `template`")
        return Template(("",))
    origin = given[sources[0]]
    if sources[0] == "template":
        return parse_template(origin, scope)
    names = nodes.texts(origin, f"{what}: `{sources[0]}`", scope.mistakes)
    if sources[0] == "column" and len(names) != 1:
        scope.mistakes.add(origin, f"{what}: `column` is one: use `columns` for several")
    parts = [part for name in names for part in (" ", scope.column(name, origin))]
    return Template(("", *parts[1:], ""))


def _table(given: dict[str, Node], plain: Field, scope: Scope) -> Table:
    rows = nodes.entries(given["map"], f"`{plain.name}`: `map`", scope.mistakes)
    table = {
        name: None if nodes.is_null(node) else nodes.any_text(node, f"`{plain.name}`: `{name}`", scope.mistakes)
        for name, node in rows.items()
    }
    return Table(table, _field_value(given["otherwise"], plain, scope) if "otherwise" in given else None)


def _casing(given: dict[str, Node], what: str, scope: Scope) -> tuple[Step, ...]:
    return (CASINGS[nodes.choice(given["as"], f"{what}: `as`", scope.mistakes, CASINGS)],) if "as" in given else ()


def _conversion(given: dict[str, Node], field: Field, node: Node, scope: Scope) -> tuple[Step, ...]:
    """The step from text to what the field holds, none for text."""
    timed = field.name == "time" or "format" in given
    for key, fits in (("times", field.kind == "whole" and not timed), ("at", timed), ("timezone", timed)):
        if key in given and not fits:
            scope.mistakes.add(given[key], f"`{field.name}`: `{key}` makes no sense for this field: leave it out")
    if "split" in given:
        scope.mistakes.add(given["split"], f"`{field.name}` holds one value: `split` is for lists")
    if field.kind == "object":
        scope.mistakes.add(node, f"`{field.name}` must be given by its members")
    if timed:
        return (_instant(given, field, scope),)
    if field.kind == "whole":
        return (Whole(_times(given, field, scope)),)
    return (boolean,) if field.kind == "truth" else ()


def _times(given: dict[str, Node], field: Field, scope: Scope) -> Decimal:
    if "times" not in given:
        return Decimal(1)
    factor = number(nodes.text(given["times"], f"`{field.name}`: `times`", scope.mistakes))
    if factor is None or factor <= 0:
        scope.mistakes.add(given["times"], f"`{field.name}`: `times` must be a number above 0 (100: dollars to cents)")
        return Decimal(1)
    return factor


def _instant(given: dict[str, Node], field: Field, scope: Scope) -> Step:
    what = f"`{field.name}`"
    pattern = nodes.text(given["format"], f"{what}: `format`", scope.mistakes) if "format" in given else "iso"
    zone = parse_zone(given["timezone"], scope.mistakes) if "timezone" in given else scope.zone
    at = _time_of_day(given["at"], what, scope) if "at" in given else None
    if pattern not in DATED and pattern and not _is_strptime(pattern):
        scope.mistakes.add(
            given["format"], f"{what}: `format` {pattern!r} is neither iso, epoch_s, epoch_ms nor a strptime pattern"
        )
    if at and (pattern in ("epoch_s", "epoch_ms") or re.search(r"%[HIMScXs]", pattern)):
        scope.mistakes.add(given["at"], f"{what}: `at` is for dates: `format` {pattern!r} has a time of its own")
    return Instant(pattern, zone, at)


def _is_strptime(pattern: str) -> bool:
    sample = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
    try:
        datetime.strptime(sample.strftime(pattern), pattern)  # noqa: DTZ007 - only tried
    except (ValueError, re.error):
        return False
    return "%" in pattern


def _time_of_day(node: Node, what: str, scope: Scope) -> time | None:
    try:
        return time.fromisoformat(nodes.text(node, f"{what}: `at`", scope.mistakes))
    except ValueError:
        scope.mistakes.add(node, f'{what}: `at` must be a time of day such as "12:00"')
        return None


def parse_zone(node: Node, mistakes: Mistakes) -> str:
    """The name of a time zone of the IANA data base."""
    name = nodes.text(node, "`timezone`", mistakes)
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        if not name:
            return "UTC"  # said already
        mistakes.add(node, f"`timezone` {name!r} is not known: use a name such as UTC or America/Los_Angeles")
        return "UTC"
    return name


def parse_template(node: Node, scope: Scope) -> Template:
    """Literal text with ``{column}``, ``{$row}``, ``{$event}``; ``{{`` and ``}}`` for braces."""
    parts, literal, end = [], "", 0
    text = nodes.any_text(node, "a template", scope.mistakes)  # the field's type says whether it may be empty
    for found in PLACEHOLDER.finditer(text):
        literal += text[end : found.start()]
        end = found.end()
        if found[1] is None or found[1] == EVENT_NAME:
            literal += _literal(found, node, scope)
        else:
            parts += [literal, scope.column(found[1].strip(), node)]
            literal = ""
    return Template((*parts, literal + text[end:]))


def _literal(found: re.Match[str], node: Node, scope: Scope) -> str:
    if found[1] == EVENT_NAME:
        if scope.event is None:
            scope.mistakes.add(node, f"{{{EVENT_NAME}}} is known inside of `events` and `defaults` only")
        return scope.event or ""
    if len(found[0]) == 1:
        scope.mistakes.add(node, f"a lone `{found[0]}`: write `{found[0] * 2}` for the character itself")
    return found[0][0]
