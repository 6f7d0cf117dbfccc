"""A record that was refused, as it goes to operators."""

from schemas.rejected import Reason, Rejected
from stream.record import Record

_TEXT_LIMIT = 10_000


def rejected(topic: str, partition: int, record: Record, reason: Reason, detail: str) -> Rejected:
    """What is told of a record of that topic and partition, and why it was refused."""
    value, key = record.value, record.key
    return Rejected(
        reason=reason,
        detail=detail,
        topic=topic,
        partition=partition,
        offset=record.offset,
        size=len(value or b""),
        value=None if value is None else _text(value),
        key=None if key is None else _text(key),
    )


def _text(data: bytes) -> str:
    """Bytes as text, as far as a rejected record shows them."""
    return data[:_TEXT_LIMIT].decode(errors="backslashreplace")[:_TEXT_LIMIT]
