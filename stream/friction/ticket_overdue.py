"""A ticket takes too long."""

from collections.abc import Iterator

from stream.config import Config
from stream.friction import tickets
from stream.friction.mark import OPENED, Mark, Marks
from stream.friction.signal import Finding, Signal
from stream.slices import HOUR_MS, SECOND_MS


class TicketOverdue(Signal):
    """A ticket is not resolved within the target for its priority (`targets: resolution`).

    It holds until the ticket is resolved, closed or merged; at most for `open_hours`. A ticket that is reopened after
    its target is overdue at once.

    Example:
        >>> from stream.friction.story import event, found
        >>> ticket = event("ticket.opened", ticket="t", priority="urgent")
        >>> found("ticket_overdue", ticket, event("ticket.resolved", "5:00", ticket="t"))
        ['4:00:00.001 to 5:00: 14400 > 14400, t']
        >>> found("ticket_overdue", ticket, event("ticket.resolved", "4:00", ticket="t"))
        []
    """

    hears = tickets.OPEN
    calmed_by = tickets.DONE
    thresholds = {"open_hours": 336}
    unit = "seconds"
    sign = ">"
    cooldown_hours = 0

    def begin(self, config: Config) -> None:
        self._targets_ms, self._open_ms = config.targets["resolution"], self.set["open_hours"] * HOUR_MS
        self.horizon_ms = self._open_ms + max(self._targets_ms.values()) + 1

    def soonest_ms(self, kind: str, new: Mark, marks: Marks) -> int:
        return new.time_ms + self._targets_ms[new.note or ""] + 1 if kind == OPENED else new.time_ms

    def find(self, marks: Marks) -> Iterator[Finding]:
        for story in tickets.stories(marks):
            if story.opened is not None:
                target_ms = self._targets_ms[story.opened.note or ""]
                since_ms = story.opened.time_ms + target_ms + 1
                until_ms = since_ms + self._open_ms
                if story.resolved_ms is not None:
                    until_ms = min(until_ms, story.resolved_ms)
                value, bound = (target_ms + 1) / SECOND_MS, target_ms / SECOND_MS
                if since_ms < until_ms:
                    yield Finding(since_ms, until_ms, value, bound, (story.opened,), story.name)
