"""YAML documents that can be gone through: not too deep, not too large with aliases written out, all of it text."""

import yaml
from yaml.nodes import Node, ScalarNode

MOST_DEEP = 40
"""How deep values may lie within each other, with aliases written out."""
MOST_ALIASED = 100_000
"""How many values all aliases together may stand for."""

_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "null", "bool", "int", "float", "timestamp", "merge", "value", "map", "seq")
)
"""What plain values are; any other would be read as if its tag were not there."""


class UnfitError(yaml.YAMLError):
    """It is YAML, or nearly, but nothing to go through. ``line`` is counted from 1."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem


def document(text: str) -> Node | None:
    """The root node of a YAML text, None where it has none.

    Raises:
        UnfitError: a value lies too deep, aliases stand for too much or for themselves, a text cannot be written, or a
            value has a tag of its own.
        yaml.YAMLError: it is no YAML.

    >>> document('a: {b: "\\\\ud800"}')
    Traceback (most recent call last):
    stream.mapping.document.UnfitError: this text has half of a surrogate pair: write the character itself
    """
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    except (ValueError, OverflowError) as error:  # a character or a version that there is none of
        raise UnfitError(loader.get_mark().line + 1, f"not YAML: {error}") from None
    finally:
        loader.dispose()


class _Loader(yaml.SafeLoader):
    """Weighs nodes as they are composed: how much each comes to, and how deep it is, with aliases written out."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._weights: dict[int, tuple[int, int]] = {}
        self._above = 0
        self._aliased = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        line = self.peek_event().start_mark.line + 1  # type: ignore[no-untyped-call]  # PyYAML's stubs leave it out
        is_alias = self.check_event(yaml.AliasEvent)
        if self._above >= MOST_DEEP:
            raise UnfitError(line, _TOO_DEEP)
        self._above += 1
        node = super().compose_node(parent, index)
        self._above -= 1
        if node is not None:
            size, depth = self._aliases(node, line) if is_alias else self._weigh(node, line)
            if self._above + depth > MOST_DEEP:
                raise UnfitError(line, _TOO_DEEP)
            self._weights[id(node)] = size, depth
        return node

    def _aliases(self, node: Node, line: int) -> tuple[int, int]:
        if id(node) not in self._weights:
            raise UnfitError(line, "an alias contains itself: write the value out")
        size, depth = self._weights[id(node)]
        self._aliased += size
        if self._aliased > MOST_ALIASED:
            raise UnfitError(line, f"aliases stand for more than {MOST_ALIASED:,} values: write fewer")
        return size, depth

    def _weigh(self, node: Node, line: int) -> tuple[int, int]:
        if node.tag not in _TAGS:
            tag = node.tag.replace("tag:yaml.org,2002:", "!!")
            raise UnfitError(line, f"the tag {tag!a} counts for nothing here: leave it out")
        if isinstance(node, ScalarNode):
            if not _is_text(node.value):
                raise UnfitError(line, "this text has half of a surrogate pair: write the character itself")
            return 1, 1
        pairs = node.value if isinstance(node, yaml.MappingNode) else ((each,) for each in node.value)
        weights = [self._weights[id(each)] for pair in pairs for each in pair]
        return 1 + sum(size for size, _ in weights), 1 + max((depth for _, depth in weights), default=0)


_TOO_DEEP = f"values lie more than {MOST_DEEP} deep within each other: write them flatter"


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
