"""A ticket was not solved after all."""

from collections.abc import Iterator

from stream.config import Config
from stream.friction import mark, tickets
from stream.friction.mark import Marks
from stream.friction.signal import Finding, Signal
from stream.slices import HOUR_MS


class TicketReopened(Signal):
    """A ticket has been reopened at least `times` times.

    It holds until the ticket is resolved again, closed or merged; at most for `open_hours` since it was last reopened.

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
        self._number, self._open_ms = self.set["times"], self.set["open_hours"] * HOUR_MS
        self.horizon_ms = self._number * self._open_ms

    def find(self, marks: Marks) -> Iterator[Finding]:
        if mark.REOPENED not in marks:
            return
        for story in tickets.stories(marks):
            reopenings = list(story.reopenings())
            for at, (last, resolved_ms) in enumerate(reopenings[self._number - 1 :], self._number):
                until_ms = min(last.time_ms + self._open_ms, resolved_ms)
                some = [each for each, _ in reopenings[:at]]
                yield Finding(last.time_ms, until_ms, at, self._number, some, story.name)
