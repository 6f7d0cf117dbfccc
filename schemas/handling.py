"""What people do about alerts, on the compacted topic `handling`: the last record of a key holds."""

from collections.abc import Callable
from typing import Literal

from msgspec import DecodeError, Struct, field, json

from schemas import pattern


class Matcher(Struct, frozen=True, kw_only=True):
    """A demand on one label, as Alertmanager has it. A label that is not there counts as empty.

    A pattern (``=~``, ``!~``) is a regular expression for the whole value, in RE2's syntax.

    Raises:
        ValueError: the pattern is none, or is longer than 500 characters.
    """

    name: str
    op: Literal["=", "!=", "=~", "!~"]
    value: str

    def __post_init__(self) -> None:
        if self.op in ("=~", "!~"):
            pattern.check(self.value)

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.name}{self.op}"{escaped}"'


class Handling(Struct, frozen=True, kw_only=True, tag_field="kind", omit_defaults=True):
    """What all of it has: who said so."""

    by: str

    @property
    def key(self) -> str:
        """The record's key: what the next record of the same key replaces."""
        raise NotImplementedError


class Acknowledgement(Handling, frozen=True, kw_only=True, tag="acknowledgement", omit_defaults=True):
    """Somebody sees to an alert. It is about one firing, its ``sequence``: a later one is a new alert.

    ``at`` is in epoch milliseconds; ``assignee`` is who sees to it where that is not who said so.
    """

    fingerprint: str
    sequence: int
    at_ms: int = field(name="at")
    note: str = ""
    assignee: str = ""

    @property
    def key(self) -> str:
        return f"acknowledgement:{self.fingerprint}"


class Silence(Handling, frozen=True, kw_only=True, tag="silence", omit_defaults=True):
    """Alerts that all ``matchers`` fit are suppressed within [starts, ends), in epoch milliseconds.

    It ends early when it is written again with an earlier end.

    Raises:
        ValueError: it has no matchers, or ends before it starts.
    """

    id: str
    matchers: tuple[Matcher, ...]
    starts_ms: int = field(name="starts")
    ends_ms: int = field(name="ends")
    comment: str = ""

    def __post_init__(self) -> None:
        if not self.matchers:
            raise ValueError("a silence needs a matcher")
        if self.ends_ms < self.starts_ms:
            raise ValueError("a silence ends after it starts")

    @property
    def key(self) -> str:
        return f"silence:{self.id}"


AnyHandling = Acknowledgement | Silence

_decode: Callable[[bytes], AnyHandling] = json.Decoder(AnyHandling).decode


def decode_handling(data: bytes) -> AnyHandling:
    """What a record's value says.

    Raises:
        DecodeError: it is none.
    """
    try:
        return _decode(data)
    except (UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(str(error)) from None
