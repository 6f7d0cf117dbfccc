"""Touchpoints of a trial: written out, some generated from one, or the lines of a file."""

from collections.abc import Callable, Iterator
from typing import Any

from msgspec import DecodeError, Struct, json
from yaml import MarkedYAMLError, YAMLError
from yaml.constructor import SafeConstructor
from yaml.nodes import MappingNode, Node

from stream.config import Config
from stream.decode import decode
from stream.mapping.nodes import Mistakes, positive
from stream.trials.rehearsal import Timed

_OWN = ("at", "every", "times")
_MOST = 1_000_000
Duration = Callable[[Node, str, Mistakes], int]


class Dated(Struct):
    """As much of a touchpoint as says when it was."""

    time: int


_decode_time = json.Decoder(Dated).decode


def time_of(value: bytes) -> int | None:
    """When a touchpoint was; None where its bytes do not say."""
    try:
        return _decode_time(value).time
    except DecodeError:
        return None


def given(
    node: Node, start_ms: int, number: int, config: Config, mistakes: Mistakes, duration_ms: Duration
) -> list[Timed]:
    """What an item of `events:` stands for: one touchpoint `at` a time after the start, or as many `times`.

    In texts, ``{n}`` is the number of the touchpoint, from 0. An id and a time need not be given.
    """
    if not isinstance(node, MappingNode):
        mistakes.add(node, "an event must be a mapping: {at: 5m, type: chat.started, customer: ann, channel: web}")
        return []
    own = {str(key.value): value for key, value in node.value if key.value in _OWN}
    fields = _fields(node, mistakes)
    at_ms = duration_ms(own["at"], "`at`", mistakes) if "at" in own else 0
    every_ms = duration_ms(own["every"], "`every`", mistakes) if "every" in own else 0
    times = positive(own["times"], "`times`", mistakes) if "times" in own else 1
    if times > _MOST:
        mistakes.add(own["times"], f"`times` must be at most {_MOST:,}")
        return []
    found = []
    for n in range(times):
        time_ms = start_ms + at_ms + n * every_ms
        event = {"id": f"{number}-{n}", "time": time_ms, **{key: _numbered(value, n) for key, value in fields.items()}}
        value = _encoded(event)
        if value is None:
            mistakes.add(node, "an event must be what JSON can say: text, numbers, truths, lists and mappings of these")
            return []
        found.append((time_ms, value))
    _check(node, found[:1], config, mistakes)
    return found


def _fields(node: MappingNode, mistakes: Mistakes) -> dict[Any, Any]:
    """The fields of a touchpoint, with what they hold."""
    rest = [(key, value) for key, value in node.value if key.value not in _OWN]
    try:
        return dict(SafeConstructor().construct_document(MappingNode(node.tag, rest, node.start_mark, node.end_mark)))
    except (YAMLError, ValueError, TypeError) as error:  # such as a tag that says nothing, or the 31st of February
        problem = error.problem if isinstance(error, MarkedYAMLError) else error
        mistakes.add(node, f"an event cannot be read: {problem}")
        return {}


def _encoded(event: dict[Any, Any]) -> bytes | None:
    try:
        return json.encode(event)
    except (TypeError, ValueError, OverflowError):
        return None


def read_lines(node: Node, lines: str, config: Config, mistakes: Mistakes) -> list[Timed]:
    """Touchpoints as JSON, one a line; each must be one."""
    found = list(_timed(lines))
    _check(node, found, config, mistakes)
    return found


def _timed(lines: str) -> Iterator[Timed]:
    for line in lines.splitlines():
        if line.strip():
            value = line.encode()
            yield time_of(value) or 0, value


def _numbered(value: Any, n: int) -> Any:
    if isinstance(value, dict):
        return {key: _numbered(each, n) for key, each in value.items()}
    if isinstance(value, list):
        return [_numbered(each, n) for each in value]
    return value.replace("{n}", str(n)) if isinstance(value, str) else value


def _check(node: Node, events: list[Timed], config: Config, mistakes: Mistakes) -> None:
    for at, outcome in enumerate(decode([value for _, value in events], config.max_record_bytes), 1):
        if isinstance(outcome, tuple):
            mistakes.add(node, f"event {at} is no touchpoint: {outcome[1]}")
