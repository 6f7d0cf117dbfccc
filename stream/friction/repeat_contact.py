"""A customer has to turn to us again and again."""

from collections.abc import Iterator

from stream.config import Config
from stream.friction.contacts import KINDS, contacts
from stream.friction.crowds import crowds
from stream.friction.mark import Marks
from stream.friction.signal import Finding, Signal
from stream.slices import HOUR_MS, MINUTE_MS


class RepeatContact(Signal):
    """The customer has turned to us at least `contacts` times in the last `hours`.

    A chat, an inbound call, an email from the customer, and a ticket that the customer opens or reopens are contacts.
    What follows on the same channel less than `apart_minutes` after the one before belongs to the same contact: a
    ticket that is opened for an email, a chat begun again.

    Example:
        >>> from stream.friction.story import event, found
        >>> calls = [event("call.started", at) for at in ("0:00", "30:00", "71:00")]
        >>> found("repeat_contact", *calls)
        ['71:00 to 72:00: 3 ≥ 3']
        >>> found("repeat_contact", *calls[:2], event("call.started", "72:00"))
        []
    """

    hears = KINDS
    thresholds = {"contacts": 3, "hours": 72, "apart_minutes": 15}
    unit = "contacts"

    def begin(self, config: Config) -> None:
        self.least, self._within_ms = self.set["contacts"], self.set["hours"] * HOUR_MS
        self._apart_ms = self.set["apart_minutes"] * MINUTE_MS
        self.horizon_ms = 2 * (self._within_ms + self._apart_ms)

    def find(self, marks: Marks) -> Iterator[Finding]:
        for since_ms, until_ms, some in crowds(list(contacts(marks, self._apart_ms)), self.least, self._within_ms):
            yield Finding(since_ms, until_ms, len(some), self.least, some)
