"""The agent `sources`: merges topics of canonical events into `touchpoints`, keyed by customer.

A customer's events over all channels get one order that way. The record is passed on as it is. After a crash some are
passed on again: these are duplicates, recognised by their event id. What has no readable customer keeps its key, so
that the fold rejects it like any other bad record.
"""

from typing import Any

import msgspec

from agents.outbox import Outbox, Pair
from agents.placing import partition_of
from agents.settings import Settings
from schemas.handover import Handover


class _Addressed(msgspec.Struct):
    customer: str
    type: str = ""


_HANDOVER = Handover.__struct_config__.tag
_decode = msgspec.json.Decoder(_Addressed).decode


class SourcesAgent:
    """Copies records from ``settings.sources``. What another deployment's partitions handed over is left there."""

    def __init__(self, settings: Settings, outbox: Outbox) -> None:
        self._topic = settings.topic("touchpoints")
        self._partitions = settings.partitions
        self._outbox = outbox

    async def __call__(self, stream: Any) -> None:
        async for event in stream.events():
            mail: dict[tuple[str, int], list[Pair]] = {}
            for record in event.value:
                key = customer_key(record.value, record.key)
                if key is None:
                    continue
                partition = partition_of(key, self._partitions)
                mail.setdefault((self._topic, partition), []).append((key, record.value))
            await self._outbox.send(mail)


def customer_key(value: bytes | None, key: bytes | None) -> bytes | None:
    """The customer that a record is about, as a key; the record's own key where it names none. None for a handover.

    >>> customer_key(b'{"customer": "c1", "type": "chat.started"}', None)
    b'c1'
    """
    try:
        found = _decode(value or b"")
        return None if found.type == _HANDOVER else found.customer.encode()
    except (msgspec.DecodeError, UnicodeError):
        return key or b""
