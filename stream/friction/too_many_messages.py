"""A customer gets more messages than anybody wants."""

from collections.abc import Iterator

from stream.config import Config
from stream.friction import mark
from stream.friction.crowds import crowds, without
from stream.friction.mark import Marks
from stream.friction.signal import Finding, Signal
from stream.slices import DAY_MS


class TooManyMessages(Signal):
    """We have sent at least `messages` messages in the last `days`, and in that time the customer opened none.

    Messages are `email.sent` on whatever channel: a notification is one on the channel `app`. One that was opened, or
    in which a link was followed, counts from when that was, whichever message it was.

    Example:
        >>> from stream.friction.story import event, found
        >>> sent = [event("email.sent", f"{hour}:00") for hour in range(5)]
        >>> found("too_many_messages", *sent)
        ['4:00 to 168:00: 5 ≥ 5']
        >>> found("too_many_messages", *sent, event("email.opened", "4:00"))
        []
    """

    hears = (mark.SENT,)
    calmed_by = (mark.READ,)
    thresholds = {"messages": 5, "days": 7}
    unit = "messages"
    severity = "info"
    cooldown_hours = 168

    def begin(self, config: Config) -> None:
        self.least, self._within_ms = self.set["messages"], self.set["days"] * DAY_MS
        self.horizon_ms = 2 * self._within_ms

    def find(self, marks: Marks) -> Iterator[Finding]:
        sent = marks.get(mark.SENT, ())
        opened = [(each.time_ms, each.time_ms + self._within_ms) for each in marks.get(mark.READ, ())]
        for since_ms, until_ms, some in crowds(sent, self.least, self._within_ms):
            for span in without((since_ms, until_ms), opened):
                yield Finding(*span, len(some), self.least, some)
