"""Outlets: who is told of alerts. A new kind is one file here and a line below."""

from collections.abc import Callable

from agents.outletfile import OutletSettings
from agents.outlets import alertmanager, slack, webhook
from agents.outlets.post import Request
from stream.desk.grouping import Notice

Render = Callable[[OutletSettings, Notice, int, str | None], Request]
"""What to post of a notice at a moment (epoch milliseconds), signed with a secret where there is one."""

RENDERERS: dict[str, Render] = {
    "webhook": webhook.render,
    "slack": slack.render,
    "alertmanager": alertmanager.render,
}
