"""From YAML to a mapping, all mistakes at once."""

from typing import Any

from msgspec import Struct
from yaml.nodes import Node, ScalarNode, SequenceNode

from stream.mapping import nodes
from stream.mapping.condition import Trigger, When
from stream.mapping.fields import Field, event_types, schemas
from stream.mapping.mapper import Rule, SourceMapping
from stream.mapping.nodes import Mistakes
from stream.mapping.parse_condition import parse_trigger, parse_when
from stream.mapping.parse_value import Scope, parse_field, parse_template, parse_zone
from stream.mapping.rows import CsvInput, Input, NdjsonInput
from stream.mapping.value import Constant, Template, Value

TOP = ("input", "timezone", "entity", "defaults", "events")
RULE = ("name", "type", "when", "on_first", "on_change", "on_increase")
CSV = ("format", "order", "delimiter", "columns", "skip", "comment")
NDJSON = ("format", "order")
ORDERS = ("file", "time")
REMEDIES = {
    "id": 'one that is the same at every replay, such as `id: "{$event}-{$row}"`',
    "time": "`time: {column: …}`",
    "customer": "who did it or whom it concerns; it is also the key in Kafka",
    "channel": "`channel: web`, or `{column: …, as: slug}`",
}


class _Surroundings(Struct, frozen=True):
    mistakes: Mistakes
    zone: str
    where: dict[str, str]
    entity: bool

    def scope(self, event: str | None) -> Scope:
        return Scope(self.mistakes, self.zone, event, self.where)


def parse(text: str, origin: str = "mapping") -> SourceMapping:
    """A mapping from its YAML text. ``origin`` is the file's name, for messages.

    Raises:
        MappingError: with every mistake, its line and what to do.
    """
    root = nodes.compose(text, origin)
    mistakes = Mistakes(origin)
    given = nodes.entries(root, "the mapping", mistakes, TOP)
    for key in ("input", "events"):
        if key not in given:
            mistakes.add(root, f"the mapping lacks `{key}:`")
    zone = parse_zone(given["timezone"], mistakes) if "timezone" in given else "UTC"
    around = _Surroundings(mistakes, zone, {}, "entity" in given)
    entity = _entity(given["entity"], around) if "entity" in given else None
    source = _input(given["input"], mistakes) if "input" in given else NdjsonInput()
    rules = _rules(given, around)
    _check_columns(source, around, root)
    mistakes.check()
    return SourceMapping(source, entity, rules, around.where)


def _entity(node: Node, around: _Surroundings) -> Template:
    """A column's name, or a template of several."""
    written = nodes.text(node, "`entity`", around.mistakes)
    if "{" in written:
        return parse_template(node, around.scope(None))
    return Template(("", around.scope(None).column(written, node), ""))


def _input(node: Node, mistakes: Mistakes) -> Input:
    every = nodes.entries(node, "`input`", mistakes, CSV)
    if "format" not in every:
        mistakes.add(node, "`input` lacks `format:` (csv or ndjson)")
        return NdjsonInput()
    name = nodes.choice(every["format"], "`input: format`", mistakes, ("csv", "ndjson"))
    order: Any = nodes.choice(every["order"], "`input: order`", mistakes, ORDERS) if "order" in every else "file"
    if name == "ndjson":
        for key in every.keys() - set(NDJSON):
            mistakes.add(every[key], f"`input: {key}` is for csv: leave it out")
        return NdjsonInput(order)
    return CsvInput(
        delimiter=_delimiter(every["delimiter"], mistakes) if "delimiter" in every else ",",
        columns=_columns(every["columns"], mistakes) if "columns" in every else None,
        skip=nodes.whole(every["skip"], "`input: skip`", mistakes) if "skip" in every else 0,
        comment=nodes.text(every["comment"], "`input: comment`", mistakes) if "comment" in every else None,
        order=order,
    )


def _delimiter(node: Node, mistakes: Mistakes) -> str | None:
    written = nodes.text(node, "`input: delimiter`", mistakes)
    named = {"whitespace": None, "tab": "\t"}.get(written, written)
    if named is not None and (len(named) != 1 or named in '\r\n"'):
        mistakes.add(node, "`input: delimiter` must be one character, `tab` or `whitespace`")
        return ","
    return named


def _columns(node: Node, mistakes: Mistakes) -> tuple[str, ...]:
    columns = nodes.texts(node, "`input: columns`", mistakes)
    for name in sorted(set(columns)):
        if columns.count(name) > 1:
            mistakes.add(node, f"`input: columns` names `{name}` twice")
    return columns


def _rules(given: dict[str, Node], around: _Surroundings) -> tuple[Rule, ...]:
    defaults = nodes.entries(given["defaults"], "`defaults`", around.mistakes) if "defaults" in given else {}
    listed = given.get("events")
    if listed is None:
        return ()
    if not isinstance(listed, SequenceNode) or not listed.value:
        around.mistakes.add(listed, "`events` must be a list of at least one event (`- type: …`)")
        return ()
    _check_defaults(defaults, listed, around.mistakes)
    rules: dict[str, Rule] = {}
    for node in listed.value:
        rule = _rule(node, defaults, around)
        if rule is not None and rules.setdefault(rule.name, rule) is not rule:
            around.mistakes.add(node, f"another event is called `{rule.name}`: give this one a `name:` of its own")
    return tuple(rules.values())


def _check_defaults(defaults: dict[str, Node], events: SequenceNode, mistakes: Mistakes) -> None:
    """A default that no event of the mapping has is a misspelling."""
    types = event_types()
    named = [
        str(value.value)
        for node in events.value
        if isinstance(node.value, list) and not isinstance(node, SequenceNode)
        for key, value in node.value
        if key.value == "type" and isinstance(value, ScalarNode)
    ]
    known = {name for event in named for name in types.get(event, {})}
    for name, node in defaults.items():
        if known and name not in known:
            mistakes.add(node, f"`defaults`: no event here has a field `{name}`{nodes.suggestion(name, known)}")


def _rule(node: Node, defaults: dict[str, Node], around: _Surroundings) -> Rule | None:
    given = nodes.entries(node, "an event", around.mistakes)
    if "type" not in given:
        around.mistakes.add(node, "an event lacks `type:` (such as ticket.opened)")
        return None
    types = event_types()
    kind = nodes.text(given["type"], "`type`", around.mistakes)
    if kind not in types:
        around.mistakes.add(given["type"], f"there is no event type `{kind}`{nodes.suggestion(kind, types)}")
        return None
    name = nodes.text(given["name"], "`name`", around.mistakes) if "name" in given else kind
    values = _values(node, given, defaults, types[kind], around.scope(name))
    return Rule(
        name,
        schemas()[kind],
        {"type": kind, **{key: value.value for key, value in values.items() if isinstance(value, Constant)}},
        tuple((key, value) for key, value in values.items() if not isinstance(value, Constant)),
        frozenset(field.name for field in types[kind].values() if field.required),
        parse_when(given["when"], around.scope(name)) if "when" in given else When(),
        _trigger(node, given, around, name),
    )


def _trigger(node: Node, given: dict[str, Node], around: _Surroundings, name: str) -> Trigger:
    trigger = parse_trigger(given, around.scope(name))
    if trigger.asked and not around.entity:
        around.mistakes.add(node, f"`{name}` follows changes: say of what by `entity: <column>` at the top")
    return trigger


def _values(
    node: Node, given: dict[str, Node], defaults: dict[str, Node], fields: dict[str, Field], scope: Scope
) -> dict[str, Value]:
    own = {key: value for key, value in given.items() if key not in RULE}
    for key in own.keys() - fields.keys():
        scope.mistakes.add(own[key], f"`{scope.event}` has no field `{key}`{nodes.suggestion(key, fields)}")
    merged = {key: value for key, value in (defaults | own).items() if key in fields}
    values = {key: parse_field(value, fields[key], scope) for key, value in merged.items()}
    for field in fields.values():
        if field.required and (field.name not in merged or nodes.is_null(merged[field.name])):
            remedy = REMEDIES.get(field.name, f"`{field.name}: …`")
            scope.mistakes.add(node, f"`{scope.event}` lacks `{field.name}`: give it {remedy}")
    return {key: value for key, value in values.items() if not (isinstance(value, Constant) and value.value is None)}


def _check_columns(source: Input, around: _Surroundings, root: Node) -> None:
    """Where the mapping itself names the columns of the file, all it uses must be among them."""
    if isinstance(source, CsvInput) and source.columns is not None:
        for name, where in around.where.items():
            if name not in source.columns:
                line = where.rsplit(":", 1)[1]
                around.mistakes.add(root, f"line {line} uses the column `{name}`, which `input: columns` lacks")
