"""Which touchpoints are taken in: of a time that can be counted, and not known already."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from schemas.rejected import Reason
from schemas.touchpoint import Touchpoint
from stream.config import Config
from stream.customer import Customer, digest
from stream.decode import Refusal
from stream.keeping import CUSTOMER, STRETCH_MS, Keeping
from stream.slices import DAY_MS, EARLIEST_MS, MINUTE_MS
from stream.state import State

Forgotten = Callable[[Customer, str, int], None]
"""What is to be done before a customer is forgotten, with their id, at a watermark."""
_SOON_MS = EARLIEST_MS + MINUTE_MS
_decode_customer = Customer.decode


@dataclass(slots=True)
class Admitted:
    """Touchpoints that were taken in, in order, each with its customer and the watermark once it had come.

    ``refused`` are those that were not, by their place; ``strays`` those of an id that is known by another one, which
    comes with their place; ``seen`` is how many were looked at.
    """

    events: list[Touchpoint] = field(default_factory=list)
    customers: list[Customer] = field(default_factory=list)
    watermarks_ms: list[int] = field(default_factory=list)
    refused: dict[int, Refusal] = field(default_factory=dict)
    strays: list[tuple[int, str]] = field(default_factory=list)
    seen: int = 0
    late: int = 0
    duplicates: int = 0


class Admission:
    """The watermark of a partition, and what it lets in: a minute behind it is late, and before 1990 is never right."""

    def __init__(self, config: Config, state: State, keeping: Keeping, watermark_ms: int, forgotten: Forgotten) -> None:
        self._calendar = config.calendar
        self._kept_ms = config.retention_ms[DAY_MS]
        self._customer_kept_ms = config.kept("customer")
        self._recent_ids = config.recent_ids
        self._state = state
        self._keeping = keeping
        self._forgotten = forgotten
        self.reach(watermark_ms)

    def reach(self, watermark_ms: int) -> None:
        """Set the watermark."""
        self.watermark_ms = watermark_ms
        self._keeping.reach(watermark_ms)
        # Up to there nothing but the watermark moves, and what is late with it.
        self._reach_ms = self._keeping.stretch_ms + STRETCH_MS if watermark_ms > _SOON_MS else watermark_ms + 1
        # Who was touched since then is neither forgotten nor put on a list.
        self._fresh_ms = max(self._keeping.stretch_ms, self._reach_ms - self._customer_kept_ms)

    def admit(self, events: Sequence[Touchpoint], horizon_ms: int) -> Admitted:
        """Take in touchpoints, up to one that makes a customer forgotten, or begins another stretch of time.

        Such a one comes first in the next call, so that all before it has been counted by then.
        """
        found = Admitted(seen=len(events))
        admitted, customers, watermarks_ms = found.events, found.customers, found.watermarks_ms
        # What takes long to fetch from memory is fetched for all at once: so the fetches overlap.
        keys = [CUSTOMER + event.customer.encode() for event in events]
        digests = [digest(event.id) for event in events]
        known, change, remembered = self._state.held(keys), self._state.change, self._recent_ids
        watermark_ms, reach_ms, fresh_ms = self.watermark_ms, self._reach_ms, self._fresh_ms
        late_ms = max(watermark_ms - MINUTE_MS, EARLIEST_MS)
        for place, (event, key, held, id_digest) in enumerate(zip(events, keys, known, digests, strict=True)):
            time_ms = event.time_ms
            is_late, is_far = time_ms < late_ms, time_ms >= reach_ms
            if (is_late or time_ms > horizon_ms) and (refusal := self._untimely(time_ms, horizon_ms, watermark_ms)):
                found.refused[place] = refusal
                continue
            customer = change(key, _decode_customer, Customer, held)
            touched_ms = customer.touched_ms
            if (is_far or touched_ms < fresh_ms) and self._waits(found, place, customer, event, watermark_ms, is_far):
                break
            found.late += is_late
            if customer.is_repeat(id_digest, remembered):
                found.duplicates += 1
                continue
            if is_far:
                self.reach(time_ms)
                reach_ms, fresh_ms = self._reach_ms, self._fresh_ms
            if time_ms > watermark_ms:
                watermark_ms, late_ms = time_ms, max(time_ms - MINUTE_MS, EARLIEST_MS)
            if touched_ms < fresh_ms:
                self._keeping.touch(key, customer, watermark_ms)
            customer.touched_ms = watermark_ms
            if customer.joined is not None:
                found.strays.append((place, customer.joined))
                continue
            admitted.append(event)
            customers.append(customer)
            watermarks_ms.append(watermark_ms)
        self.watermark_ms = watermark_ms
        return found

    def visit(self, name: str) -> Customer:
        """The customer of that name, of whom something else than a touchpoint is heard."""
        key, watermark_ms = CUSTOMER + name.encode(), self.watermark_ms
        customer = self._state.change(key, _decode_customer, Customer)
        if 0 < customer.touched_ms < watermark_ms - self._customer_kept_ms:
            self._forget(customer, name, watermark_ms)
        self._keeping.touch(key, customer, watermark_ms)
        return customer

    def _waits(
        self, found: Admitted, place: int, customer: Customer, event: Touchpoint, watermark_ms: int, is_far: bool
    ) -> bool:
        """Forget whoever nothing was heard of for long. True where a touchpoint is to come first in the next call."""
        now_ms = max(watermark_ms, event.time_ms)
        is_forgotten = 0 < customer.touched_ms < now_ms - self._customer_kept_ms
        if (found.events or found.strays) and (is_far or is_forgotten):
            found.seen = place
            return True
        if is_forgotten:
            self._forget(customer, event.customer, now_ms)
        return False

    def _forget(self, customer: Customer, name: str, now_ms: int) -> None:
        self._forgotten(customer, name, now_ms)
        customer.forget()

    def _untimely(self, time_ms: int, horizon_ms: int, watermark_ms: int) -> Refusal | None:
        """Why a touchpoint of that time is refused; None where it is merely late."""
        if time_ms < EARLIEST_MS:
            return Reason.TOO_OLD, f"time {time_ms} is before 1990"
        if time_ms > horizon_ms:
            return Reason.FUTURE, f"time {time_ms} is {time_ms - horizon_ms} ms beyond what may be ahead of the clock"
        day_end_ms = self._calendar.day_end_ms(self._calendar.day_start_ms(time_ms))
        if day_end_ms <= watermark_ms - self._kept_ms:
            return Reason.LATE, f"time {time_ms} is beyond retention at watermark {watermark_ms}"
        return None
