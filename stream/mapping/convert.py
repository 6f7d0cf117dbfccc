"""Steps from text to what a field holds. Exact: no binary floating point anywhere."""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from msgspec import Struct

from stream.mapping.problems import UnmappableError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
NUMBER = re.compile(r"[+-]?(\d{1,20}(\.\d{0,20})?|\.\d{1,20})([eE][+-]?\d{1,2})?")
TRUE = frozenset(("true", "t", "yes", "y", "1"))
FALSE = frozenset(("false", "f", "no", "n", "0"))
DATED = ("iso", "epoch_s", "epoch_ms")
"""Names of time formats that are no strptime pattern."""


@lru_cache(4096)
def number(text: str) -> Decimal | None:
    """The decimal number that ``text`` is, exactly; None where it is none (also ``nan``, ``1,5``, 21 digits)."""
    return Decimal(text) if NUMBER.fullmatch(text) and text.isascii() else None


def slug(text: str) -> str:
    """``Self service`` → ``self_service``: ASCII lower case, runs of anything else one underscore."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", ascii_text.lower()).strip("_")


CASINGS: dict[str, Callable[[str], str]] = {"lower": str.lower, "upper": str.upper, "slug": slug}


class Whole(Struct, frozen=True):
    """Text → integer, after multiplying by ``times`` (100: dollars to cents). What is left over is an error."""

    times: Decimal = Decimal(1)

    def __call__(self, text: str) -> int:
        value = number(text)
        if value is None:
            raise UnmappableError("not a number", repr(text))
        # Each factor has at most 40 digits and an exponent of two: fractions are exact where a context would round.
        up, down = value.as_integer_ratio()
        by_up, by_down = self.times.as_integer_ratio()
        whole, rest = divmod(up * by_up, down * by_down)
        if rest:
            times = "" if self.times == 1 else f" times {self.times}"
            raise UnmappableError("not a whole number", f"{text!r}{times}")
        return whole


def boolean(text: str) -> bool:
    """Text → truth, in any case: true t yes y 1, false f no n 0."""
    lowered = text.lower()
    if lowered in TRUE:
        return True
    if lowered in FALSE:
        return False
    raise UnmappableError("neither true nor false", repr(text))


class Instant(Struct, frozen=True):
    """Text → epoch milliseconds, rounded down.

    ``pattern`` is ``iso``, ``epoch_s``, ``epoch_ms`` or for strptime. Times without an offset are in ``zone``: of the
    two that a clock going back shows, the earlier; one that a clock going forward leaves out is taken with the offset
    before. ``at`` is the time of day of a value that is a date only.
    """

    pattern: str
    zone: str
    at: time | None = None

    def __call__(self, text: str) -> int:
        try:
            return _instant(self.pattern, self.zone, self.at, text)
        except (ValueError, OverflowError):
            raise UnmappableError(f"not a time in the format {self.pattern}", repr(text)) from None


@lru_cache(65536)
def _instant(pattern: str, zone: str, at: time | None, text: str) -> int:
    if pattern in ("epoch_s", "epoch_ms"):
        value = number(text)
        if value is None:
            raise ValueError(text)
        up, down = value.as_integer_ratio()
        return up * (1000 if pattern == "epoch_s" else 1) // down
    moment = _moment(pattern, at, text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return (moment - EPOCH) // MILLISECOND


def _moment(pattern: str, at: time | None, text: str) -> datetime:
    if pattern == "iso":
        return datetime.fromisoformat(text) if at is None else datetime.combine(date.fromisoformat(text), at)
    moment = datetime.strptime(text, pattern)  # noqa: DTZ007 - its zone follows in _instant
    return moment if at is None else datetime.combine(moment.date(), at)
