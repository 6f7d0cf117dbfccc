"""The tickets of one partition, and what their resolutions contribute to the counters."""

from msgspec import msgpack
from msgspec.structs import replace

from schemas.touchpoint import Touchpoint
from stream import tickets
from stream.config import Config
from stream.keeping import TICKET, Keeping
from stream.segments import Values
from stream.state import State
from stream.tally import Tally

_encode = msgpack.Encoder().encode


class TicketBook:
    """Keeps tickets up to date; a resolution that changes is taken back where it was counted."""

    def __init__(self, config: Config, state: State, keeping: Keeping, tally: Tally) -> None:
        self._kept_ms = config.ticket_kept_ms
        self._state = state
        self._keeping = keeping
        self._tally = tally

    def take(self, event: Touchpoint, values: Values, watermark_ms: int) -> None:
        """Something happened to the ticket that ``event`` names."""
        key = TICKET + _encode((event.customer, event.ticket))
        ticket = self._state.get(key, tickets.decode)
        if ticket is None or ticket.touched_ms < watermark_ms - self._kept_ms:
            ticket = tickets.Ticket(values, event.time_ms)
        self._state.put(key, ticket)
        self._keeping.touch(key, ticket, watermark_ms)
        if tickets.apply(ticket, event, values):
            old, new = ticket.counted, tickets.resolution(ticket)
            if new != old:
                self._count(old, new, watermark_ms)
                ticket.counted = new

    def _count(self, old: tickets.Resolution | None, new: tickets.Resolution | None, watermark_ms: int) -> None:
        if old is not None:
            self._tally.count(replace(old.fact, sign=-1), old.values, old.time_ms, watermark_ms)
        if new is not None:
            self._tally.count(new.fact, new.values, new.time_ms, watermark_ms)
