"""Signatures of webhooks, as https://www.standardwebhooks.com has them."""

import hmac
from base64 import b64decode, b64encode
from hashlib import sha256

_PREFIX = "whsec_"


def signature(secret: str, id: str, time: str, body: bytes) -> str:  # noqa: A002 - the standard's name
    """HMAC-SHA256 of ``id.time.body`` in base64. A secret that begins with ``whsec_`` is in base64, others are text.

    >>> signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330",
    ...           b'{"test": 2432232314}')
    'g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    return b64encode(hmac.new(key_of(secret), f"{id}.{time}.".encode() + body, sha256).digest()).decode()


def key_of(secret: str) -> bytes:
    """What is signed with.

    Raises:
        ValueError: what comes after ``whsec_`` is no base64, or nothing.
    """
    if not secret.startswith(_PREFIX):
        return secret.encode()
    key = b64decode(secret.removeprefix(_PREFIX), validate=True)
    if not key:
        raise ValueError(f"nothing comes after {_PREFIX}")
    return key
