"""Escalation: an alert that nobody takes on in time is told again, with a severity raised by one."""

from collections.abc import Mapping

from msgspec.structs import replace

from schemas.alert import AnyAlert, Escalation, FrictionAlert

SEVERITIES = ("info", "warning", "critical")


def raised(severity: str) -> str:
    """The next severity; what is none of ours becomes the highest.

    >>> raised("info"), raised("critical")
    ('warning', 'critical')
    """
    return SEVERITIES[min(SEVERITIES.index(severity) + 1, 2)] if severity in SEVERITIES else SEVERITIES[-1]


def deadline_ms(alert: AnyAlert, heard_ms: int, after_ms: Mapping[str, int]) -> int | None:
    """By when an alert is to be taken on: when its follow-up is due, or so long after it fired and was heard of.

    None where there is no such time, or it was escalated already.
    """
    if alert.escalation is not None or alert.state != "firing":
        return None
    times = [max(alert.at_ms, heard_ms) + after_ms[alert.severity]] if alert.severity in after_ms else []
    if isinstance(alert, FrictionAlert) and alert.due_ms is not None:
        times.append(alert.due_ms)
    return min(times, default=None)


def escalated(alert: AnyAlert, at_ms: int) -> AnyAlert:
    """The transition of an alert that was to be taken on by ``at_ms``; the same whoever makes it."""
    is_due = isinstance(alert, FrictionAlert) and alert.due_ms == at_ms
    return replace(
        alert,
        id=f"{alert.fingerprint}-{alert.sequence}-escalated",
        severity=raised(alert.severity),
        at_ms=at_ms,
        escalation=Escalation(reason="due" if is_due else "unacknowledged", severity=alert.severity),
    )
