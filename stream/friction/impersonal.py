"""A customer gets the same message twice."""

from collections.abc import Iterator

from stream.config import Config
from stream.friction import mark
from stream.friction.crowds import crowds
from stream.friction.mark import Mark, Marks
from stream.friction.signal import Finding, Signal
from stream.slices import DAY_MS


class Impersonal(Signal):
    """We have sent the same message at least `times` times in the last `days`, without being asked.

    It is the same where campaign and subject are. What is sent about a ticket was asked for; what has neither campaign
    nor subject cannot be told from others.

    Example:
        >>> from stream.friction.story import event, found
        >>> found("impersonal", event("email.sent", campaign="spring"), event("email.sent", "24:00", campaign="spring"))
        ['24:00 to 336:00: 2 ≥ 2, campaign "spring"']
    """

    hears = (mark.SENT,)
    thresholds = {"times": 2, "days": 14}
    unit = "times"
    severity = "info"
    cooldown_hours = 168

    def begin(self, config: Config) -> None:
        self.least, self.horizon_ms = self.set["times"], self.set["days"] * DAY_MS

    def find(self, marks: Marks) -> Iterator[Finding]:
        messages: dict[str, list[Mark]] = {}
        for each in marks.get(mark.SENT, ()):
            if each.key is not None:
                messages.setdefault(each.key, []).append(each)
        for message, same in messages.items():
            for since_ms, until_ms, some in crowds(same, self.least, self.horizon_ms):
                yield Finding(since_ms, until_ms, len(some), self.least, some, message)
