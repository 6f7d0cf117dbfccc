"""Reading YAML nodes with their places, collecting every mistake instead of stopping at the first."""

import difflib
import re
from collections.abc import Collection, Iterable

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from stream.mapping.document import UnfitError, document
from stream.mapping.problems import MappingError
from stream.slices import UNITS_MS

NULL = "tag:yaml.org,2002:null"
_WHOLE = re.compile("[0-9]{1,9}")
_DURATION = re.compile("([0-9]{1,6})([smhd])")


class Mistakes:
    """The mistakes found so far, each with the file and line it is on."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._found: dict[tuple[int, str], None] = {}

    def add(self, node: Node, message: str) -> None:
        """Note ``message`` at the place of ``node``. The same one twice (a default, in each event) is one."""
        self._found[node.start_mark.line + 1, message] = None

    def where(self, node: Node) -> str:
        return f"{self._origin}:{node.start_mark.line + 1}"

    def check(self) -> None:
        """Raises MappingError where there are any, by line."""
        if self._found:
            raise MappingError(self.problems())

    def problems(self) -> list[str]:
        """All of them, by line."""
        return [f"{self._origin}:{line}: {message}" for line, message in self._by_line()]

    def _by_line(self) -> list[tuple[int, str]]:
        return sorted(self._found)


def compose(text: str, origin: str, empty: str = "the mapping is empty: give it `input:` and `events:`") -> Node:
    """The root node of a YAML text; ``empty`` is what is said of one without content.

    Whoever goes through the nodes need not fear for its stack, its memory, or what it writes: see ``document``.

    Raises:
        MappingError: it is no YAML, is empty, or is of a kind that ``document`` refuses.
    """
    try:
        root = document(text)
    except UnfitError as error:
        raise MappingError([f"{origin}:{error.line}: {error.problem}"]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{origin}:{mark.line + 1}" if mark else origin
        raise MappingError([f"{place}: not YAML: {error.problem or error.context}"]) from None
    except yaml.YAMLError as error:
        raise MappingError([f"{origin}: not YAML: {error}"]) from None
    if root is None:
        raise MappingError([f"{origin}:1: {empty}"])
    return root


def entries(node: Node, what: str, mistakes: Mistakes, known: Collection[str] | None = None) -> dict[str, Node]:
    """The members of a mapping by key. ``known`` are the keys there may be (None: any)."""
    if not isinstance(node, MappingNode):
        mistakes.add(node, f"{what} must be a mapping (`key: value` lines)")
        return {}
    found: dict[str, Node] = {}
    for key, value in node.value:
        name = str(key.value) if isinstance(key, ScalarNode) else ""
        if not isinstance(key, ScalarNode):
            mistakes.add(key, f"{what}: a key must be plain text")
        elif name in found:
            mistakes.add(key, f"{what}: `{name}` is given twice: leave one out")
        elif known is not None and name not in known:
            mistakes.add(key, f"{what}: unknown key `{name}`{suggestion(name, known)}")
        else:
            found[name] = value
    return found


def suggestion(name: str, known: Iterable[str]) -> str:
    """What may have been meant, or all there is."""
    options = sorted(known)
    close = difflib.get_close_matches(name, options, 1)
    return f": did you mean `{close[0]}`?" if close else f": choose from {', '.join(options)}"


def items(node: Node) -> list[Node]:
    """The items of a list; anything else is a list of itself."""
    return list(node.value) if isinstance(node, SequenceNode) else [node]


def is_null(node: Node) -> bool:
    """``null``, ``~`` or nothing at all."""
    return isinstance(node, ScalarNode) and node.tag == NULL


def any_text(node: Node, what: str, mistakes: Mistakes) -> str:
    """A scalar as it is written, so that ``no`` and ``1.0`` stay what they are: for where an empty one is meant."""
    if isinstance(node, ScalarNode) and not is_null(node):
        return str(node.value)
    mistakes.add(node, f"{what} must be one value")
    return ""


def text(node: Node, what: str, mistakes: Mistakes) -> str:
    """The same, of one character or more: where it is empty, that a mistake is there has been said."""
    written = any_text(node, what, mistakes)
    if not written and isinstance(node, ScalarNode) and not is_null(node):
        mistakes.add(node, f"{what} must not be empty: give it a value, or leave it out")
    return written


def texts(node: Node, what: str, mistakes: Mistakes) -> tuple[str, ...]:
    """One scalar or a list of them."""
    return tuple(text(item, what, mistakes) for item in items(node))


def choice(node: Node, what: str, mistakes: Mistakes, options: Collection[str]) -> str:
    """One of ``options``; the first of them after a mistake."""
    chosen = text(node, what, mistakes)
    if chosen in options:
        return chosen
    if chosen:
        mistakes.add(node, f"{what} cannot be `{chosen}`{suggestion(chosen, options)}")
    return next(iter(options))


def truth(node: Node, what: str, mistakes: Mistakes) -> bool:
    """``true`` or ``false``."""
    return choice(node, what, mistakes, ("false", "true")) == "true"


def whole(node: Node, what: str, mistakes: Mistakes) -> int:
    """A number of something: 0 or more."""
    written = text(node, what, mistakes)
    if _WHOLE.fullmatch(written):
        return int(written)
    if written:
        mistakes.add(node, f"{what} must be a whole number, 0 or more")
    return 0


def positive(node: Node, what: str, mistakes: Mistakes) -> int:
    """A number of something: 1 or more."""
    number = whole(node, what, mistakes)
    if number == 0 and set(text(node, what, mistakes)) == {"0"}:
        mistakes.add(node, f"{what} must be at least 1")
    return number


def duration_ms(node: Node, what: str, mistakes: Mistakes) -> int:
    """A length of time such as 30s, 5m, 2h or 1d."""
    written = text(node, what, mistakes)
    found = _DURATION.fullmatch(written)
    if found:
        return int(found[1]) * UNITS_MS[found[2]]
    if written:
        mistakes.add(node, f"{what} must be a duration such as 30s, 5m, 2h or 1d, not `{written}`")
    return 0
