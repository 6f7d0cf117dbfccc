"""A generic webhook, as https://www.standardwebhooks.com has it: JSON, signed with HMAC-SHA256.

`webhook-id` is the same where a notice comes twice: by it, whoever is told knows a repeat. The signature is over id,
time and body, so that an old message cannot be sent again by others.
"""

import hmac
from base64 import b64decode, b64encode
from binascii import Error
from hashlib import sha256

from msgspec import json

from agents.outletfile import OutletSettings
from agents.outlets.post import Request
from schemas.cloudevent import event_type, rfc3339
from stream.desk.grouping import Notice

_PREFIX = "whsec_"


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
    time = str(now_ms // 1_000)
    headers = {"webhook-id": notice.id, "webhook-timestamp": time}
    if secret is not None:
        headers["webhook-signature"] = f"v1,{signature(secret, notice.id, time, body)}"
    return Request(body, headers)


def signature(secret: str, id: str, time: str, body: bytes) -> str:  # noqa: A002 - the standard's name
    """HMAC-SHA256 of ``id.time.body`` in base64. A secret that begins with ``whsec_`` is in base64, others are text.

    >>> signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330",
    ...           b'{"test": 2432232314}')
    'g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    return b64encode(hmac.new(_key(secret), f"{id}.{time}.".encode() + body, sha256).digest()).decode()


def _key(secret: str) -> bytes:
    if secret.startswith(_PREFIX):
        try:
            return b64decode(secret.removeprefix(_PREFIX), validate=True)
        except Error:
            return secret.encode()
    return secret.encode()
