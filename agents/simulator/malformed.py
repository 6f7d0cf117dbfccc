"""Records that must be rejected, one recipe for each way of being wrong, named by the reason to expect."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

from msgspec import json

from schemas.rejected import Reason

Fields = dict[str, Any]
Recipe = Callable[[Fields, Random], bytes | None]

YEAR_MS: Final = 366 * 86_400_000
BEFORE_1990_MS: Final = 600_000_000_000
OVERSIZED_BYTES: Final = 300_000
"""Above the default bound on a record (256 KiB), below the megabyte that brokers accept."""


def _truncated(fields: Fields, rng: Random) -> bytes:
    text = json.encode(fields)
    return text[: rng.randrange(1, len(text))]


def _unknown_type(fields: Fields, rng: Random) -> bytes:
    return json.encode({**fields, "type": rng.choice(("visit.teleported", "chat", "", "ticket.exploded"))})


def _missing_field(fields: Fields, rng: Random) -> bytes:
    missing = rng.choice(("id", "time", "customer", "channel"))
    return json.encode({name: value for name, value in fields.items() if name != missing})


def _wrong_type(fields: Fields, rng: Random) -> bytes:
    return json.encode({**fields, **rng.choice(({"time": "yesterday"}, {"customer": 7}, {"channel": ["web"]}))})


def _off_scale(fields: Fields, rng: Random) -> bytes:
    kind, score = rng.choice((("csat", 11), ("csat", 0), ("ces", 8), ("nps", -1), ("nps", 11)))
    return json.encode({**_common(fields), "type": "survey.answered", "survey": "v", "kind": kind, "score": score})


def _out_of_range(fields: Fields, rng: Random) -> bytes:
    return json.encode({**_common(fields), "type": "purchase.refunded", "order": "o", **rng.choice(_BAD_MONEY)})


_BAD_MONEY: Final = ({"amount": -1, "currency": "EUR"}, {"amount": 100, "currency": "euro"})


def _negative_duration(fields: Fields, rng: Random) -> bytes:
    return json.encode({**_common(fields), "type": "call.ended", "duration_ms": -rng.randrange(1, 100_000)})


def _future(fields: Fields, rng: Random) -> bytes:
    return json.encode({**fields, "time": fields["time"] + 50 * YEAR_MS})


def _too_old(fields: Fields, rng: Random) -> bytes:
    return json.encode({**fields, "time": rng.randrange(BEFORE_1990_MS)})


def _not_utf8(fields: Fields, rng: Random) -> bytes:
    return json.encode({**_common(fields), "type": "visit.page", "page": "caf~"}).replace(b"caf~", b"caf\xe9")


def _oversized(fields: Fields, rng: Random) -> bytes:
    return json.encode({**_common(fields), "type": "chat.message", "author": "customer", "text": "a" * OVERSIZED_BYTES})


def _common(fields: Fields) -> Fields:
    return {name: fields[name] for name in ("id", "time", "customer", "channel")}


RECIPES: Final[Mapping[Reason, Recipe]] = {
    Reason.TOMBSTONE: lambda fields, rng: None,
    Reason.EMPTY: lambda fields, rng: b"",
    Reason.OVERSIZED: _oversized,
    Reason.NOT_UTF8: _not_utf8,
    Reason.MALFORMED_JSON: _truncated,
    Reason.UNKNOWN_TYPE: _unknown_type,
    Reason.MISSING_FIELD: _missing_field,
    Reason.WRONG_TYPE: _wrong_type,
    Reason.OUT_OF_RANGE: _out_of_range,
    Reason.NEGATIVE_DURATION: _negative_duration,
    Reason.OFF_SCALE: _off_scale,
    Reason.TOO_OLD: _too_old,
    Reason.FUTURE: _future,
}


def spoil(value: bytes, reason: Reason, rng: Random, event_id: str) -> bytes | None:
    """A record like ``value`` (a sound touchpoint in JSON), but wrong in the way of ``reason`` and with its own id."""
    return RECIPES[reason]({**json.decode(value), "id": event_id}, rng)
