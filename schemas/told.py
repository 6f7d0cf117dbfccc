"""What outlets were told: the compacted topic `alerts-told`. Both kinds of record go there in one batch."""

from collections.abc import Callable
from typing import Annotated

from msgspec import DecodeError, Meta, Struct, field, json


class Told(Struct, frozen=True, kw_only=True, tag_field="kind", tag="told"):
    """The last transition of one firing of an alert that an outlet was told, ``at`` an epoch millisecond.

    ``id`` is the transition's, ``order`` what ``Alert.order`` says of it: first the firing's sequence. Once the
    outlet was told that the alert is resolved, and its position is beyond that, there is a tombstone. Where it
    ``is_sure`` not, it was about to be told, and may have been. What comes next of it was refused for ``refused_ms``
    milliseconds in which others were taken.
    """

    outlet: str
    fingerprint: str
    id: str
    order: tuple[int, int]
    at_ms: int = field(name="at")
    is_sure: bool = True
    refused_ms: Annotated[int, Meta(ge=0)] = 0

    @property
    def key(self) -> str:
        """The record's key."""
        return told_key(self.outlet, *self.episode)

    @property
    def episode(self) -> tuple[str, int]:
        """Which firing this is about: fingerprint and sequence."""
        return self.fingerprint, self.order[0]

    @property
    def has_ended(self) -> bool:
        """Was it told that the alert is resolved?"""
        return self.order[1] == 2


class Position(Struct, frozen=True, kw_only=True, tag_field="kind", tag="position"):
    """Up to where an outlet was told the partitions of `alerts`: the offset of the next record, by partition."""

    outlet: str
    offsets: dict[int, Annotated[int, Meta(ge=0, le=2**62)]]

    @property
    def key(self) -> str:
        """The record's key."""
        return self.outlet


def told_key(outlet: str, fingerprint: str, sequence: int) -> str:
    """The key of what an outlet was told of one firing of an alert. Before, there was one key for all of an alert's."""
    return f"{outlet}/{fingerprint}/{sequence}"


_decode: Callable[[bytes], Told | Position] = json.Decoder(Told | Position).decode


def decode_told(data: bytes) -> Told | Position:
    """What a record's value says.

    Raises:
        DecodeError: it is none.
    """
    try:
        return _decode(data)
    except (UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(str(error)) from None
