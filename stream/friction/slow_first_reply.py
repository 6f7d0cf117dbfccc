"""A customer is left without a first reply."""

from collections.abc import Iterator

from stream.config import Config
from stream.friction import tickets
from stream.friction.mark import OPENED, Mark, Marks
from stream.friction.signal import Finding, Signal
from stream.slices import HOUR_MS, SECOND_MS


class SlowFirstReply(Signal):
    """A ticket has had no first reply within the target for its priority (`targets: first_reply`).

    It holds until an agent replies in public, or the ticket is resolved, closed or merged; at most for `open_hours`. A
    ticket that we opened waits for the second reply, as in the metrics.

    Example:
        >>> from stream.friction.story import event, found
        >>> ticket = event("ticket.opened", ticket="t", priority="urgent")
        >>> found("slow_first_reply", ticket, event("ticket.replied", "1:00", ticket="t", author="agent"))
        ['0:30:00.001 to 1:00: 1800 > 1800, t']
        >>> found("slow_first_reply", ticket, event("ticket.replied", "0:30", ticket="t", author="agent"))
        []
    """

    hears = tickets.OPEN
    calmed_by = (*tickets.REPLIES, *tickets.DONE)
    thresholds = {"open_hours": 168}
    unit = "seconds"
    sign = ">"
    cooldown_hours = 0

    def begin(self, config: Config) -> None:
        self._targets_ms, self._open_ms = config.targets["first_reply"], self.set["open_hours"] * HOUR_MS
        self.horizon_ms = self._open_ms + max(self._targets_ms.values()) + 1

    def soonest_ms(self, kind: str, new: Mark, marks: Marks) -> int:
        return new.time_ms + self._targets_ms[new.note or ""] + 1 if kind == OPENED else new.time_ms

    def find(self, marks: Marks) -> Iterator[Finding]:
        for story in tickets.stories(marks):
            if story.opened is not None:
                target_ms = self._targets_ms[story.opened.note or ""]
                since_ms = story.opened.time_ms + target_ms + 1
                ends = [at_ms for at_ms in (story.replied_ms, story.resolved_ms) if at_ms is not None]
                until_ms = min((*ends, since_ms + self._open_ms))
                value, bound = (target_ms + 1) / SECOND_MS, target_ms / SECOND_MS
                if since_ms < until_ms:
                    yield Finding(since_ms, until_ms, value, bound, (story.opened,), story.name)
