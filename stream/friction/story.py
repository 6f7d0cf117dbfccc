"""What a signal finds in a story of a few touchpoints: the examples of the definitions are written in it."""

import re
from typing import Any

from msgspec import convert

from schemas.touchpoint import Touchpoint
from schemas.union import AnyTouchpoint
from stream.config import Config
from stream.friction import SIGNALS
from stream.friction.mark import DAY, Marks, put
from stream.friction.markers import marked, markers
from stream.slices import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

_START_MS = 20_000 * DAY_MS
_SLOW_MS = 1_000


def event(type_: str, at: str = "0:00", **fields: Any) -> dict[str, Any]:
    """A touchpoint of a type at so many hours and minutes of the story, on the web where nothing else is given."""
    return {"type": type_, "time": _START_MS + _ms(at), "customer": "ann", "channel": "web", **fields}


def found(signal: str, *story: dict[str, Any]) -> list[str]:
    """What a signal, with the usual thresholds, finds in a story.

    >>> found("app_crash", event("visit.error", "1:30", error="e", crash=True))
    ['1:30 to 25:30: 1 ≥ 1']
    """
    judge = SIGNALS[signal](Config())
    return [
        f"{_written(each.since_ms)} to {_written(each.until_ms)}: {each.value:.5g} {judge.sign} {each.bound:.5g}"
        + ("" if each.about is None else f", {each.about}")
        for each in judge.find(marks(story))
        if each.since_ms < each.until_ms
    ]


def marks(story: tuple[dict[str, Any], ...]) -> Marks:
    """The marks that these touchpoints leave, each with its number as its id."""
    known, says = Marks(), markers(_SLOW_MS)
    for number, given in enumerate(story):
        touchpoint: Touchpoint = convert({**given, "id": f"{number:03}"}, AnyTouchpoint)
        said = says.get(type(touchpoint), lambda _: None)(touchpoint)
        if said is not None:
            put(known, said[0], marked(touchpoint, (), said))
        if touchpoint.by_customer:
            put(known, DAY, marked(touchpoint, (), (DAY, None, 0, None)))
    return known


def _ms(at: str) -> int:
    hours, minutes, seconds = re.fullmatch(r"(\d+):(\d\d)(?::(\d\d))?", at).groups()  # type: ignore[union-attr]
    return int(hours) * HOUR_MS + int(minutes) * MINUTE_MS + int(seconds or 0) * SECOND_MS


def _written(time_ms: int) -> str:
    hours, rest_ms = divmod(time_ms - _START_MS, HOUR_MS)
    minutes, rest_ms = divmod(rest_ms, MINUTE_MS)
    return f"{hours}:{minutes:02}" + (f":{rest_ms / SECOND_MS:06.3f}" if rest_ms else "")
