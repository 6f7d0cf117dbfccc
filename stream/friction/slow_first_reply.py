"""A customer is left without a first reply."""

from stream.friction import tickets
from stream.friction.late import Late
from stream.friction.signal import FOREVER_MS
from stream.friction.tickets import Story


class SlowFirstReply(Late):
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

    calmed_by = (*tickets.REPLIES, *tickets.DONE)
    target = "first_reply"
    thresholds = {"open_hours": 168}

    def done_ms(self, story: Story) -> int:
        return FOREVER_MS if story.replied_ms is None else story.replied_ms
