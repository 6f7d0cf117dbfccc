"""A ticket was not solved after all."""

from collections.abc import Iterator

from stream.config import Config
from stream.friction import mark, tickets
from stream.friction.crowds import crowds
from stream.friction.mark import Marks
from stream.friction.signal import Finding, Signal
from stream.slices import HOUR_MS


class TicketReopened(Signal):
    """A ticket has been reopened at least `times` times in the last `open_hours`.

    It holds until the ticket is resolved again, closed or merged.

    Example:
        >>> from stream.friction.story import event, found
        >>> found("ticket_reopened", event("ticket.reopened", "1:00", ticket="t"))
        ['1:00 to 169:00: 1 ≥ 1, t']
    """

    hears = (mark.REOPENED,)
    calmed_by = tickets.DONE
    thresholds = {"times": 1, "open_hours": 168}
    unit = "times"
    cooldown_hours = 0

    def begin(self, config: Config) -> None:
        self.least, self.horizon_ms = self.set["times"], self.set["open_hours"] * HOUR_MS

    def find(self, marks: Marks) -> Iterator[Finding]:
        if mark.REOPENED not in marks:
            return
        for story in tickets.stories(marks):
            resolved_ms = dict(story.reopenings())
            for since_ms, until_ms, some in crowds(list(resolved_ms), self.least, self.horizon_ms):
                until_ms = min(until_ms, resolved_ms[some[-1]])
                yield Finding(since_ms, until_ms, len(some), self.least, some, story.name)
