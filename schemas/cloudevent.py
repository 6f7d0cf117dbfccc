"""CloudEvents 1.0 in Kafka's binary content mode: an alert's attributes as headers, so that its value stays as it is.

See https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md.
"""

from datetime import UTC, datetime, timedelta

from schemas.alert import AnyAlert

Headers = list[tuple[str, bytes]]
CONTENT_TYPE = "application/json"
TYPES = ("cxstream.alert.firing", "cxstream.alert.escalated", "cxstream.alert.resolved")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def event_type(alert: AnyAlert) -> str:
    """One of ``TYPES``."""
    return TYPES[alert.order[1]]


def headers(alert: AnyAlert, application: str) -> Headers:
    """The headers of an alert's record. ``application`` is the deployment's id: source and id together are unique."""
    attributes = {
        "content-type": CONTENT_TYPE,
        "ce_specversion": "1.0",
        "ce_id": alert.id,
        "ce_source": f"/cxstream/{_escaped(application)}",
        "ce_type": event_type(alert),
        "ce_subject": alert.fingerprint,
        "ce_time": rfc3339(alert.at_ms),
    }
    return [(name, value.encode()) for name, value in attributes.items()]


def rfc3339(time_ms: int) -> str:
    """An instant in UTC, to the millisecond.

    >>> rfc3339(1774785600007)
    '2026-03-29T12:00:00.007Z'
    """
    return (_EPOCH + timedelta(milliseconds=time_ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _escaped(text: str) -> str:
    """Text as a segment of a URI's path.

    >>> _escaped("cx eu/é"), _escaped("cx-1.a_b")
    ('cx%20eu%2F%C3%A9', 'cx-1.a_b')
    """
    return "".join(c if c.isascii() and (c.isalnum() or c in "-._~") else _percent(c) for c in text)


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode())
