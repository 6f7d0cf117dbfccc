"""A generic webhook, as https://www.standardwebhooks.com has it: JSON, signed with HMAC-SHA256.

`webhook-id` is the same where a notice comes twice: by it, whoever is told knows a repeat. The signature is over id,
time and body, so that an old message cannot be sent again by others.
"""

import re
from hashlib import blake2b

from msgspec import json

from agents.outletfile import OutletSettings
from agents.outlets.post import Request
from agents.signing import signature
from schemas.cloudevent import event_type, rfc3339
from stream.desk.grouping import Notice

_SENDABLE = re.compile(r"[!-~]{1,255}")


def render(outlet: OutletSettings, notice: Notice, now_ms: int, secret: str | None) -> Request:
    """The message: of one transition its type, of several ``cxstream.alerts``; the alerts are those of the topic."""
    is_one = outlet.route.group_by is None
    body = json.encode(
        {
            "type": event_type(notice.alerts[0]) if is_one else "cxstream.alerts",
            "timestamp": rfc3339(now_ms),
            "data": {
                "outlet": outlet.name,
                "status": notice.status,
                "group": {} if is_one else notice.group,
                "alerts": notice.alerts,
            },
        }
    )
    id, time = sendable(notice.id), str(now_ms // 1_000)  # noqa: A001 - the standard's name
    headers = {"webhook-id": id, "webhook-timestamp": time}
    if secret is not None:
        headers["webhook-signature"] = f"v1,{signature(secret, id, time, body)}"
    return Request(body, headers)


def sendable(id: str) -> str:  # noqa: A002 - the standard's name
    """An id as it is, where a header can have it; else a hash of it, the same each time.

    >>> sendable("c13e-1-firing"), len(sendable("two\\nlines")), len(sendable("ø" * 300))
    ('c13e-1-firing', 32, 32)
    """
    if _SENDABLE.fullmatch(id):
        return id
    return blake2b(id.encode(errors="replace"), digest_size=16).hexdigest()
