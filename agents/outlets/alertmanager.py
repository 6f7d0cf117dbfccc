"""Alertmanager's API v2: what fires is sent again and again as Prometheus does, in parts of a bounded
size; what has resolved once.

An alert that is not sent again ends there by itself after four times the time between. Escalation raises the severity,
which makes it another alert to Alertmanager: the one before is resolved as the raised one fires.
"""

import re
from collections.abc import Iterator
from typing import Any

from msgspec import json

from agents.outletfile import OutletSettings
from agents.outlets.link import linked
from agents.outlets.post import Request
from schemas.alert import AnyAlert
from schemas.cloudevent import rfc3339
from stream.desk.escalation import raised
from stream.desk.grouping import Notice
from stream.desk.matcher import labels_of

_KEPT_TIMES = 4
MOST_ALERTS, MOST_BYTES = 256, 262_144
"""Of one request: as many alerts as Prometheus sends at once, and less than proxies take by default (1 MB)."""


def render(outlet: OutletSettings, notice: Notice, now_ms: int, secret: str | None) -> Request:
    """All that fires, and what has resolved since the last time."""
    del secret
    ends_ms = now_ms + _KEPT_TIMES * (outlet.route.repeat_ms or 0)
    posted = [each for alert in notice.alerts for each in _of(outlet, alert, ends_ms)]
    body = json.encode(posted)
    return Request(body, path=_PATH, is_large=len(posted) > MOST_ALERTS or len(body) > MOST_BYTES)


_PATH = "/api/v2/alerts"


def _of(outlet: OutletSettings, alert: AnyAlert, ends_ms: int) -> Iterator[dict[str, Any]]:
    if alert.state == "firing":
        yield _posted(outlet, alert, alert.severity, ends_ms)
        if alert.escalation is not None and alert.escalation.severity != alert.severity:
            yield _posted(outlet, alert, alert.escalation.severity, alert.at_ms)
    else:
        for severity in dict.fromkeys((alert.severity, raised(alert.severity))):
            yield _posted(outlet, alert, severity, alert.at_ms)


def _posted(outlet: OutletSettings, alert: AnyAlert, severity: str, ends_ms: int) -> dict[str, Any]:
    labels = {**labels_of(alert), "severity": severity}
    posted = {
        "labels": {_name(name): value for name, value in labels.items() if value},
        "annotations": {_name(name): value for name, value in alert.annotations.items()},
        "startsAt": rfc3339(alert.since_ms),
        "endsAt": rfc3339(max(ends_ms, alert.since_ms)),
    }
    return posted | ({"generatorURL": linked(outlet.link, alert)} if outlet.link else {})


def _name(name: str) -> str:
    """A label's name, with what Alertmanager does not take replaced.

    >>> _name("plan-2.tier"), _name("2nd")
    ('plan_2_tier', '_2nd')
    """
    clean = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return f"_{clean}" if clean[:1].isdigit() else clean
