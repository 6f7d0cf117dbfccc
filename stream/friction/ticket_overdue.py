"""A ticket takes too long."""

from stream.friction.late import Late
from stream.friction.signal import FOREVER_MS
from stream.friction.tickets import Story


class TicketOverdue(Late):
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

    target = "resolution"
    thresholds = {"open_hours": 336}

    def done_ms(self, story: Story) -> int:
        return FOREVER_MS  # by its end alone
