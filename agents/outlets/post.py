"""One attempt to post to an outlet, and what its answer means."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from random import uniform
from typing import Literal

import aiohttp

HOPELESS = frozenset({400, 405, 406, 410, 411, 413, 414, 415, 422, 431})
"""What stays wrong however often it is sent: the request itself. All else may be mended where it is sent to."""
_OF_CONTENT = frozenset({400, 413, 422})
"""Of those, what one alert of several, or their number, may be the cause of."""
Kind = Literal["sent", "again", "hopeless"]
_FIRST_S, _LONGEST_S = 0.5, 60.0
_MOST_PATIENT_S = 3_600.0


@dataclass(frozen=True, slots=True)
class Request:
    """What to post. ``path`` is put after the outlet's address. What ``is_large`` is posted in parts, if it has any."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    path: str = ""
    is_large: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """``after_s`` is what the outlet asked for, or None. If it ``may_be_one_of_several``, others may be taken."""

    kind: Kind
    why: str = ""
    after_s: float | None = None
    may_be_one_of_several: bool = False


async def attempt(
    session: aiohttp.ClientSession, url: str, request: Request, timeout_s: float, now_s: float
) -> Outcome:
    """Post once. Redirects are not followed: what is signed is for one address."""
    headers = {"Content-Type": "application/json", **request.headers}
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    try:
        async with session.post(
            url + request.path, data=request.body, headers=headers, timeout=timeout, allow_redirects=False
        ) as answer:
            said = (await answer.content.read(500)).decode(errors="replace")
            return judged(answer.status, said, answer.headers.get("Retry-After"), now_s)
    except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:  # noqa: UP041 - one name for both
        return Outcome("again", type(error).__name__)  # what they say may have the address in it, which is a secret


def judged(status: int, said: str, retry_after: str | None, now_s: float) -> Outcome:
    """What a status means.

    >>> judged(204, "", None, 0).kind, judged(400, "no", None, 0).kind, judged(429, "", "7", 0).after_s
    ('sent', 'hopeless', 7.0)
    """
    if 200 <= status < 300:
        return Outcome("sent")
    why = f"{status} {said}".strip()
    if status in HOPELESS:
        return Outcome("hopeless", why, may_be_one_of_several=status in _OF_CONTENT)
    return Outcome("again", why, _after_s(retry_after, now_s))


def pause_s(failures: int, after_s: float | None) -> float:
    """How long to wait after so many failures in a row: twice as long each time, with chance, at least ``after_s``."""
    longest_s = min(_LONGEST_S, _FIRST_S * 2 ** min(failures - 1, 10))
    return max(uniform(longest_s / 2, longest_s), after_s or 0.0)


def _after_s(written: str | None, now_s: float) -> float | None:
    """Seconds, or a date."""
    if written is None:
        return None
    if written.isdecimal():
        return min(float(written), _MOST_PATIENT_S)
    try:
        return min(max(0.0, parsedate_to_datetime(written).timestamp() - now_s), _MOST_PATIENT_S)
    except (TypeError, ValueError, OverflowError):
        return None
