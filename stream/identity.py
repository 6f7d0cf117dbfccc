"""Identities: ids that turn out to be one customer's, in whatever partitions they are.

Whoever keeps an id that is another one's takes back what was counted of it, hands over what was kept, and sends on what
still comes. So all ids that are joined, directly or through others, count as one customer from then on, earlier
touchpoints included:

    partition of ann                                partition of x7, a browser
    ann is also x7           ──── join ────►        x7 is ann from now on
    counted as ann's         ◄─── state ────        taken back: days, journey, tickets, orders …
    counted as ann's         ◄─── event ────        each touchpoint of x7 that still comes

What is handed over stands in the log of the partition that it is for. It says what it follows from, so that what was
handed over before a crash, and again after it, is taken once.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from struct import pack
from typing import Any

from msgspec import Struct, json, msgpack
from msgspec.structs import replace

from schemas.handover import Handover
from schemas.identity import CustomerIdentified
from schemas.touchpoint import Touchpoint
from schemas.union import AnyTouchpoint
from stream.admission import Admission
from stream.casebook import CaseBook
from stream.customer import Customer, digest
from stream.frictions import KIND as FRICTION
from stream.frictions import Frictions
from stream.journeys import Journeys
from stream.keeping import CUSTOMER, Scan
from stream.membership import Membership
from stream.personas import Profile
from stream.presence import Presence
from stream.state import State

_RECEIVED = b"j"
_SAME = 16
"""Ids that are remembered to be the same as one that they lead back to."""
_ALL = 2**31
_encode = msgpack.Encoder().encode
_decode_name = msgpack.Decoder(list[str]).decode
_decode_event: Callable[[bytes], Touchpoint] = json.Decoder(AnyTouchpoint).decode


class Received(Struct, array_like=True, frozen=True):
    """The last that was handed over by one partition: what it follows from, and its number."""

    offset: int
    number: int

    def encode(self) -> bytes:
        return _encode(self)


_decode_received = msgpack.Decoder(Received).decode


class Identities:
    """The ids of one partition that are known by another one. ``handed`` is what others are to get.

    ``app`` is the deployment, whose handovers alone are taken.
    """

    def __init__(
        self,
        app: str,
        partition: int,
        state: State,
        scan: Scan,
        admission: Admission,
        presence: Presence,
        journeys: Journeys,
        frictions: Frictions,
        books: Mapping[bytes, CaseBook],
        membership: Membership | None,
    ) -> None:
        self._app = app
        self._partition = partition
        self._state = state
        self._scan = scan
        self._admission = admission
        self._presence = presence
        self._journeys = journeys
        self._frictions = frictions
        self._books = books
        self._membership = membership
        self._offset, self._number = 0, 0
        self._changed: dict[bytes, list[bytes]] = {}
        self._seen = 0
        self.handed: list[Handover] = []

    def at(self, offset: int) -> None:
        """What follows is because of the record at that offset."""
        self._offset, self._number = offset, 0

    def is_new(self, handover: Handover) -> bool:
        """True, once, for what was handed over in this deployment."""
        if handover.app != self._app:
            return False
        partition, offset, number = handover.origin
        key = _RECEIVED + pack(">I", partition)
        known = self._state.get(key, _decode_received)
        if known is not None and (offset, number) <= (known.offset, known.number):
            return False
        self._state.put(key, Received(offset, number))
        return True

    def event(self, handover: Handover) -> Touchpoint:
        """The touchpoint that was sent on."""
        event = _decode_event(handover.event)
        if handover.customer in handover.path:
            customer = self._admission.visit(handover.customer)
            customer.unremember(digest(event.id))
            self._onward(customer, handover)
        return event

    def identify(self, event: CustomerIdentified) -> None:
        """Two ids are one customer's."""
        if event.previous != event.customer:
            self._hand(event.previous, (), into=event.customer)

    def forward(self, event: Touchpoint, into: str, path: tuple[str, ...]) -> None:
        """A touchpoint is of an id that is known by another one."""
        self._hand(into, (*path, event.customer), event=json.encode(replace(event, customer=into)))

    def take(self, handover: Handover) -> None:
        """Something that is no touchpoint was handed over."""
        customer = self._admission.visit(handover.customer)
        onward = self._onward(customer, handover)
        if handover.into is not None:
            self._join(customer, handover, handover.into)
        elif onward is not None:
            path = (*handover.path, handover.customer)
            self._hand(onward, path, kind=handover.kind, name=handover.name, state=handover.state)
        elif handover.kind == CUSTOMER:
            self._absorb(customer, handover)
        elif handover.kind == FRICTION:
            self._frictions.absorb(handover.customer, handover.state, self._admission.watermark_ms)
        else:
            name = (handover.customer, *handover.name)
            self._books[handover.kind].absorb(name, handover.state, self._admission.watermark_ms)
            self._learn(customer, handover, None)

    def _onward(self, customer: Customer, handover: Handover) -> str | None:
        """The id by which a customer is known; None where it is this one.

        What comes back to where it was before, and would go the same way, has gone in a circle: then the smallest of
        these ids is the one.
        """
        name, path = handover.customer, handover.path
        if name in path:
            circle = set(path[len(path) - 1 - path[::-1].index(name) :])
            if customer.joined in circle and name == min(circle):
                customer.joined = None
                customer.same = tuple(sorted({*customer.same, *circle} - {name}))[:_SAME]
        return customer.joined

    def _join(self, customer: Customer, handover: Handover, into: str) -> None:
        """The id is to be known by another one; if it already is by a third, that one is."""
        name = handover.customer
        if into in (name, customer.joined) or into in customer.same:
            return
        if customer.joined is not None:
            self._hand(customer.joined, (*handover.path, name), into=into)
            return
        watermark_ms, path = self._admission.watermark_ms, (name,)
        for kind, book in self._books.items():
            for key in sorted(self._cases(kind, book, name)):
                stored = book.withdraw(key, watermark_ms)
                if stored is not None:
                    self._hand(into, path, kind=kind, name=tuple(_decode_name(key[1:])[1:]), state=stored)
        if (friction := self._frictions.withdraw(name, watermark_ms)) is not None:
            self._hand(into, path, kind=FRICTION, state=friction)
        if customer.activity or customer.journey is not None:
            self._hand(into, path, kind=CUSTOMER, state=customer.encode())
            self._presence.withdraw(customer, watermark_ms)
            self._journeys.withdraw(customer, name, watermark_ms)
        customer.leave(into)
        if self._membership is not None:
            self._membership.ear.heard.clear()

    def _absorb(self, customer: Customer, handover: Handover) -> None:
        other, watermark_ms = Customer.decode(handover.state), self._admission.watermark_ms
        self._presence.absorb(customer, other.activity, watermark_ms)
        if other.journey is not None:
            self._journeys.absorb(customer, handover.customer, other.journey, watermark_ms)
        self._learn(customer, handover, other.profile)

    def _learn(self, customer: Customer, handover: Handover, other: Profile | None) -> None:
        if self._membership is not None:
            self._membership.absorb(customer, handover.customer, other, self._admission.watermark_ms)

    def _cases(self, kind: bytes, book: CaseBook, name: str) -> Iterator[bytes]:
        """The keys of the cases of one kind that a customer has, perhaps some twice."""
        packed = _encode(name)
        for width in book.widths:
            start = kind + bytes([0x91 + width]) + packed
            yield from self._scan(start, start + b"\xff", _ALL)
        self._look()
        yield from (key for key in self._changed.get(packed, ()) if key.startswith(kind))

    def _look(self) -> None:
        """Take notice of the cases that have changed since the last look, which the store need not know yet."""
        changed = self._state.changed
        for key in islice(changed, self._seen, None):
            if key[:1] in self._books:
                self._changed.setdefault(_customer(key), []).append(key)
        self._seen = len(changed)

    def _hand(self, customer: str, path: tuple[str, ...], **what: Any) -> None:
        """Something is for whoever keeps a customer; ``what`` are the other fields of a ``Handover``."""
        origin = self._partition, self._offset, self._number
        self._number += 1
        self.handed.append(Handover(customer=customer, app=self._app, origin=origin, path=path, **what))

    def clear(self) -> None:
        """Begin the next batch."""
        self.handed.clear()
        self._changed.clear()
        self._seen = 0


def _customer(key: bytes) -> bytes:
    """The customer's id in the key of a case, as it is encoded there.

    >>> _customer(b"t" + _encode(("ann", "t1"))) == _encode("ann")
    True
    """
    first = key[2]
    if first < 0xD9:
        return key[2 : 3 + (first & 31)]
    if first == 0xD9:
        return key[2 : 4 + key[3]]
    return key[2 : 5 + int.from_bytes(key[3:5], "big")]
