"""Alerts for tests, made from the little that matters to each."""

from typing import Any

from schemas.alert import Evidence, FrictionAlert, MetricAlert

T0_MS = 1_774_785_600_000


def metric(name: str, state: Any = "firing", sequence: int = 1, at_ms: int = T0_MS, **given: Any) -> MetricAlert:
    """An alert of a rule ``name``; ``labels`` make its fingerprint."""
    labels = given.pop("labels", {})
    fingerprint = "/".join([name, *(f"{key}={value}" for key, value in sorted(labels.items()))])
    return MetricAlert(
        id=f"{fingerprint}-{sequence}-{state}",
        fingerprint=fingerprint,
        alert=name,
        state=state,
        severity=given.pop("severity", "warning"),
        labels=labels,
        sequence=sequence,
        since_ms=given.pop("since_ms", at_ms),
        at_ms=at_ms,
        metric="csat_score",
        window="1h",
        condition="below",
        bound=7.0,
        value=4.5,
        samples=12,
        **given,
    )


def friction(
    customer: str, state: Any = "firing", sequence: int = 1, at_ms: int = T0_MS, **given: Any
) -> FrictionAlert:
    """An alert about one customer."""
    fingerprint = f"repeat_contact/{customer}"
    return FrictionAlert(
        id=f"{fingerprint}-{sequence}-{state}",
        fingerprint=fingerprint,
        alert="repeat_contact",
        state=state,
        severity=given.pop("severity", "warning"),
        labels=given.pop("labels", {}),
        sequence=sequence,
        since_ms=at_ms,
        at_ms=at_ms,
        customer=customer,
        value=3.0,
        bound=3.0,
        evidence=(Evidence(id="e1", type="chat.started", time_ms=at_ms, channel="chat"),),
        **given,
    )
