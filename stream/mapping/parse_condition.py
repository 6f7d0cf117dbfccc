"""From YAML to conditions: ``when`` and the three ``on_`` keys."""

import re
from decimal import Decimal

from yaml.nodes import MappingNode, Node, SequenceNode

from stream.mapping import nodes
from stream.mapping.condition import Between, Conjunction, Empty, Matches, Not, OneOf, Test, Trigger, When
from stream.mapping.convert import number
from stream.mapping.parse_value import Scope

TESTS = ("equals", "in", "between", "matches", "empty", "not")
ZERO = Decimal(0)


def parse_when(node: Node, scope: Scope) -> When:
    """A mapping of columns to tests that must all be met, or a list of such, of which one must be."""
    return When(tuple(_conjunction(item, scope) for item in nodes.items(node)))


def _conjunction(node: Node, scope: Scope) -> Conjunction:
    given = nodes.entries(node, "`when`", scope.mistakes)
    return tuple((scope.column(name, test), _test(name, test, scope)) for name, test in given.items())


def _test(column: str, node: Node, scope: Scope) -> Test:
    what = f"`when: {column}`"
    if not isinstance(node, MappingNode):
        return OneOf(frozenset(nodes.texts(node, what, scope.mistakes)))
    given = nodes.entries(node, what, scope.mistakes, TESTS)
    if len(given) != 1:
        scope.mistakes.add(node, f"{what}: give one of {', '.join(TESTS)}")
        return Empty()
    ((name, argument),) = given.items()
    return _named_test(name, argument, what, scope)


def _named_test(name: str, argument: Node, what: str, scope: Scope) -> Test:
    what = f"{what}: `{name}`"
    match name:
        case "equals" | "in":
            return OneOf(frozenset(nodes.texts(argument, what, scope.mistakes)))
        case "between":
            return _between(argument, what, scope)
        case "matches":
            return _matches(argument, what, scope)
        case "empty":
            return Empty() if nodes.truth(argument, what, scope.mistakes) else Not(Empty())
    return Not(_negated(argument, what, scope))


def _negated(node: Node, what: str, scope: Scope) -> Test:
    if isinstance(node, MappingNode) and any(key.value == "not" for key, _ in node.value):
        scope.mistakes.add(node, f"{what}: `not` within `not`: leave both out")
        return Empty()
    return _test(what.removeprefix("`when: ").split("`")[0], node, scope)


def _between(node: Node, what: str, scope: Scope) -> Test:
    bounds = [number(bound) for bound in nodes.texts(node, what, scope.mistakes)]
    low, high = bounds if len(bounds) == 2 else (None, None)
    if not isinstance(node, SequenceNode) or low is None or high is None or low > high:
        scope.mistakes.add(node, f"{what} takes the lowest and the highest number, such as [0, 10]")
        return Between(ZERO, ZERO)
    return Between(low, high)


def _matches(node: Node, what: str, scope: Scope) -> Test:
    pattern = nodes.text(node, what, scope.mistakes)
    try:
        re.compile(pattern)
    except re.error as error:
        scope.mistakes.add(node, f"{what}: {pattern!r} is no regular expression: {error}")
    return Matches(pattern)


def parse_trigger(given: dict[str, Node], scope: Scope) -> Trigger:
    """``on_first``, ``on_change`` and ``on_increase`` of an event; what is given must all be met."""
    first = "on_first" in given and nodes.truth(given["on_first"], "`on_first`", scope.mistakes)
    changed: tuple[str, ...] = ()
    if "on_change" in given:
        node = given["on_change"]
        changed = tuple(scope.column(name, node) for name in nodes.texts(node, "`on_change`", scope.mistakes))
    increased = None
    if "on_increase" in given:
        node = given["on_increase"]
        increased = scope.column(nodes.text(node, "`on_increase`", scope.mistakes), node)
    return Trigger(first, changed, increased)
