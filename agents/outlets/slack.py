"""Messages as Slack's incoming webhooks take them, and those who are compatible with them."""

from collections.abc import Iterator
from typing import Any

from msgspec import json

from agents.outletfile import OutletSettings
from agents.outlets.link import linked
from agents.outlets.post import Request
from schemas.alert import AnyAlert, MetricAlert
from stream.desk.grouping import Notice
from stream.desk.matcher import labels_of

COLOURS = {"info": "#439fe0", "warning": "#daa038", "critical": "#a30200"}
RESOLVED = "#2eb886"
_MOST_ALERTS, _MOST_FIELDS, _LONGEST = 10, 10, 1_500


def render(outlet: OutletSettings, notice: Notice, now_ms: int, secret: str | None) -> Request:
    """A message with a block for each alert; the others of a large group are counted."""
    del now_ms, secret
    shown, left = notice.alerts[:_MOST_ALERTS], len(notice.alerts) - _MOST_ALERTS
    attachments = [_attachment(outlet, alert) for alert in shown]
    if left > 0:
        attachments.append({"color": "#cccccc", "blocks": [_section(f"and {left} more")]})
    return Request(json.encode({"text": _headline(notice), "attachments": attachments}))


def _headline(notice: Notice) -> str:
    firing = sum(alert.state == "firing" for alert in notice.alerts)
    if len(notice.alerts) == 1:
        return _title(notice.alerts[0])
    parts = [f"{firing} firing"] if firing else []
    parts += [f"{len(notice.alerts) - firing} resolved"] if firing < len(notice.alerts) else []
    group = ", ".join(f"{name}={value}" for name, value in notice.group.items())
    return escaped(" ".join([", ".join(parts), f"({group})" if group else ""]).strip())


def _title(alert: AnyAlert) -> str:
    state = "escalated" if alert.order[1] == 1 else alert.state
    return escaped(f"[{state}] {alert.alert} ({alert.severity})")


def _attachment(outlet: OutletSettings, alert: AnyAlert) -> dict[str, Any]:
    title, link = f"*{_title(alert)}*", linked(outlet.link, alert)
    blocks = [_section(f"<{link}|{_title(alert)}>" if link else title)]
    said = "\n".join(escaped(text) for text in alert.annotations.values() if text.strip())
    if said:  # Slack refuses a message with an empty block
        blocks.append(_section(said))
    fields = [_text(f"*{escaped(name)}*\n{escaped(value)}") for name, value in _fields(alert)][:_MOST_FIELDS]
    blocks.append({"type": "section", "fields": fields})
    colour = RESOLVED if alert.state == "resolved" else COLOURS.get(alert.severity, COLOURS["critical"])
    return {"color": colour, "blocks": blocks}


def _fields(alert: AnyAlert) -> Iterator[tuple[str, str]]:
    if isinstance(alert, MetricAlert):
        yield alert.metric, "no data" if alert.value is None else f"{alert.value:g}"
        yield f"{alert.condition}, over {alert.window}", f"{alert.bound:g}"
    else:
        yield "value", f"{alert.value:g} (from {alert.bound:g} on)"
    for name, value in labels_of(alert).items():
        if name not in ("alertname", "severity") and value.strip():
            yield name, value


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _text(text)}


def _text(text: str) -> dict[str, str]:
    return {"type": "mrkdwn", "text": text[:_LONGEST]}


def escaped(text: str) -> str:
    """Text that Slack shows as it is, so that nobody is mentioned by what a customer wrote.

    >>> escaped("<!channel> & co")
    '&lt;!channel&gt; &amp; co'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
