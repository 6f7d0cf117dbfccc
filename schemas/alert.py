"""An alert's change of state, as subscribers see it."""

from collections.abc import Callable
from typing import Literal

from msgspec import DecodeError, Struct, ValidationError, field, json


class Escalation(Struct, frozen=True, kw_only=True):
    """Nobody took an alert on in time: a follow-up was ``due``, or the alert stood ``unacknowledged`` for too long.

    ``severity`` is what the alert's severity was before it was raised.
    """

    reason: Literal["due", "unacknowledged"]
    severity: str


class Alert(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """What all alerts have. ``fingerprint`` (the record's key) derives from name and labels, never from the value.

    ``id`` names this one transition: the same after a crash. ``sequence`` counts an alert's firings from 1, or from a
    higher number where others were forgotten. ``since`` is when the condition began to hold, ``at`` when the state
    changed, both event time in epoch milliseconds; of an escalation, ``at`` is when it was to be taken on by.
    ``escalation`` is there once an alert was escalated: it is still firing.
    """

    id: str
    fingerprint: str
    alert: str
    state: Literal["firing", "resolved"]
    severity: str
    labels: dict[str, str]
    sequence: int
    since_ms: int = field(name="since")
    at_ms: int = field(name="at")
    annotations: dict[str, str] = field(default_factory=dict)
    escalation: Escalation | None = None

    @property
    def order(self) -> tuple[int, int]:
        """Of one alert's transitions, the later has the larger: fired, escalated, resolved, fired again."""
        return self.sequence, 2 if self.state == "resolved" else int(self.escalation is not None)


class Further(Struct, frozen=True, kw_only=True):
    """A further condition of a rule that has several, as it was found. The names are those of ``MetricAlert``."""

    metric: str
    window: str
    condition: Literal["above", "below"]
    bound: float
    value: float | None
    samples: int
    of: str = "value"
    measured: float | None = None


class MetricAlert(Alert, frozen=True, kw_only=True, tag="metric"):
    """A rule about a metric of a segment over a window. ``value`` is None where there was no data.

    ``of`` says what is compared with ``bound``, and ``measured`` what that was: the ``value`` itself, its ``change`` or
    ``relative_change`` against the window ``before``, or its ``deviation`` from the usual value, which is ``before``
    then, in spreads. ``recover`` is where the alert resolves, ``bound`` if None. ``low`` and ``high`` are the bounds of
    the value's confidence interval, None where the rule asks for none or there is no such bound. ``also`` are the
    rule's further conditions. ``reason`` says why the alert was resolved, where it was not by the values. ``link`` is
    where to look.
    """

    metric: str
    window: str
    condition: Literal["above", "below"]
    bound: float
    value: float | None
    samples: int
    of: str = "value"
    measured: float | None = None
    recover: float | None = None
    low: float | None = None
    high: float | None = None
    before: float | None = None
    also: tuple[Further, ...] = ()
    reason: str | None = None
    link: str | None = None


class Evidence(Struct, frozen=True, kw_only=True):
    """A touchpoint that an alert rests on; ``id`` is that of the event."""

    id: str
    type: str
    time_ms: int = field(name="time")
    channel: str


class FrictionAlert(Alert, frozen=True, kw_only=True, tag="friction", omit_defaults=True):
    """Something is hard for one customer. ``alert`` is the signal, such as ``repeat_contact``.

    ``value`` is what the signal measured and ``bound`` the threshold that it broke, both in the signal's own unit.
    ``about`` is what it is about where a customer can have several at once: a ticket, an order, a survey answer.
    Somebody is to get in touch with the customer until ``due``, where that is given.
    """

    customer: str
    value: float
    bound: float
    evidence: tuple[Evidence, ...]
    about: str | None = None
    due_ms: int | None = field(name="due", default=None)


AnyAlert = MetricAlert | FrictionAlert

_decode_any: Callable[[bytes], AnyAlert] = json.Decoder(AnyAlert).decode
_decode_metric = json.Decoder(MetricAlert).decode


def decode_alert(data: bytes) -> AnyAlert:
    """An alert from a record's value. Before there were others, those about metrics did not say their kind.

    Raises:
        DecodeError: it is none.
    """
    try:
        return _decode_one(data)
    except (UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(str(error)) from None


def _decode_one(data: bytes) -> AnyAlert:
    try:
        return _decode_any(data)
    except ValidationError:
        return _decode_metric(data)
