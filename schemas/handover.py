"""What the partitions of one deployment hand over to each other, once two ids are one customer's.

Written by workers to the topic ``touchpoints``, between the touchpoints, so that every partition has one order. It is
no touchpoint: who reads the topic for these passes over it.
"""

from typing import ClassVar

from msgspec import Struct

from schemas.touchpoint import Id

Origin = tuple[int, int, int]
"""Partition and offset of the record that it follows from, and its number among all that follows from that."""


class Handover(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="customer.handover"):
    """Something for whoever keeps ``customer``, in the deployment ``app``. ``path`` are the ids by which it came.

    It is one of three: to be known as ``into`` from now on; an ``event`` of an id that is this customer's, as JSON; or
    what was kept of such an id: ``kind`` is the first byte of its key, ``name`` what tells it from others of the same
    customer, and ``state`` what was stored.
    """

    channel: ClassVar[str] = "identity"

    customer: Id
    app: Id
    origin: Origin
    path: tuple[Id, ...] = ()
    into: Id | None = None
    event: bytes = b""
    kind: bytes = b""
    name: tuple[str, ...] = ()
    state: bytes = b""
