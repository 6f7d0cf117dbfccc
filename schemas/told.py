"""What outlets were told: the compacted topic `alerts-told`. Both kinds of record go there in one batch."""

from collections.abc import Callable

from msgspec import Struct, field, json


class Told(Struct, frozen=True, kw_only=True, tag_field="kind", tag="told"):
    """The last transition of an alert that an outlet was told, ``at`` an epoch millisecond.

    ``id`` is the transition's, ``order`` what ``Alert.order`` says of it. Once the outlet was told that the alert is
    resolved, there is a tombstone. Where it ``is_sure`` not, it was about to be told, and may have been.
    """

    outlet: str
    fingerprint: str
    id: str
    order: tuple[int, int]
    at_ms: int = field(name="at")
    is_sure: bool = True

    @property
    def key(self) -> str:
        """The record's key."""
        return told_key(self.outlet, self.fingerprint)


class Position(Struct, frozen=True, kw_only=True, tag_field="kind", tag="position"):
    """Up to where an outlet was told the partitions of `alerts`: the offset of the next record, by partition."""

    outlet: str
    offsets: dict[int, int]

    @property
    def key(self) -> str:
        """The record's key."""
        return self.outlet


def told_key(outlet: str, fingerprint: str) -> str:
    """The key of what an outlet was told of an alert."""
    return f"{outlet}/{fingerprint}"


decode_told: Callable[[bytes], Told | Position] = json.Decoder(Told | Position).decode
"""What a record's value says.

Raises:
    DecodeError: it is none.
"""
