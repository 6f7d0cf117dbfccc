"""A customer tries one channel after the other."""

from collections.abc import Iterator

from stream.config import Config
from stream.friction import contacts, mark, tickets
from stream.friction.mark import Mark, Marks, count, of_kinds
from stream.friction.signal import FOREVER_MS, Finding, Signal
from stream.slices import DAY_MS, HOUR_MS

_TURNS = (*contacts.KINDS, mark.WROTE)
_LONGEST_MS = 21 * DAY_MS


class ChannelHopping(Signal):
    """The customer has turned to us on at least `channels` channels in the last `hours`, and has a ticket unresolved.

    Contacts are those of repeat_contact, and what the customer writes in a ticket. A ticket counts that was opened, or
    reopened, in the last three weeks, is neither resolved, closed nor merged into another.

    Example:
        >>> from stream.friction.story import event, found
        >>> ticket = event("ticket.opened", ticket="t")
        >>> call = event("call.started", "1:00", channel="phone")
        >>> mail = event("email.received", "2:00", channel="email")
        >>> hops = ticket, call, mail
        >>> found("channel_hopping", *hops)
        ['2:00 to 24:00: 3 ≥ 3']
        >>> found("channel_hopping", *hops, event("ticket.resolved", "2:00", ticket="t"))
        []
    """

    hears = _TURNS
    calmed_by = tickets.DONE
    thresholds = {"channels": 3, "hours": 24}
    unit = "channels"

    def begin(self, config: Config) -> None:
        self.least, self._within_ms = self.set["channels"], self.set["hours"] * HOUR_MS
        self.horizon_ms = self._within_ms + _LONGEST_MS

    def soonest_ms(self, kind: str, new: Mark, marks: Marks) -> int:
        if count(marks, _TURNS) < self.least or not count(marks, tickets.OPEN):
            return FOREVER_MS
        channels = {each.channel for turn in _TURNS for each in marks.get(turn, ())}
        return new.time_ms if len(channels) >= self.least else FOREVER_MS

    def find(self, marks: Marks) -> Iterator[Finding]:
        turns = [each for each in of_kinds(marks, _TURNS) if not each.number]
        if len({each.channel for each in turns}) < self.least:
            return
        open_spans = [span for story in tickets.stories(marks) for span in story.unresolved()]
        for at in range(self.least - 1, len(turns)):
            since_ms = turns[at].time_ms
            some = [each for each in turns[: at + 1] if each.time_ms > since_ms - self._within_ms]
            until_ms = self._until_ms(some)
            for opened_ms, resolved_ms, _ in open_spans:
                if since_ms < until_ms and max(since_ms, opened_ms) < min(until_ms, resolved_ms):
                    channels = len({each.channel for each in some})
                    span = max(since_ms, opened_ms), min(until_ms, resolved_ms)
                    yield Finding(*span, channels, self.least, some)

    def _until_ms(self, some: list[Mark]) -> int:
        """Until when these are on enough channels; before their time where they are not."""
        last = {each.channel: each.time_ms for each in some}
        lasting = sorted(last.values(), reverse=True)
        return lasting[self.least - 1] + self._within_ms if len(lasting) >= self.least else 0
