"""Series of values as Prometheus' unit tests write them.

| written | values |
| --- | --- |
| ``0.9`` | one value |
| ``0.9x3`` | it, and three more times |
| ``10+5x3``, ``10-5x3`` | it, and three more, each by 5 more (less) than the one before: 10 15 20 25 |
| ``_``, ``_x3`` | one time, three times, nothing |
"""

import math
import re
from collections.abc import Iterator

_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_RUN = re.compile(rf"(?P<first>-?{_NUMBER})(?:(?P<by>[+-]{_NUMBER})?x(?P<times>[0-9]{{1,6}}))?")
_NOTHING = re.compile(r"_(?:x(?P<times>[0-9]{1,6}))?")


def expanded(written: str) -> list[float | None]:
    """The values of a series, None where there is nothing.

    Raises:
        ValueError: a part of it is spelt otherwise, or too large a number: the part.

    >>> expanded("0.9x2 0.4 _x2 10+5x3")
    [0.9, 0.9, 0.9, 0.4, None, None, 10.0, 15.0, 20.0, 25.0]
    """
    return [value for part in written.split() for value in _part(part)]


def _part(part: str) -> Iterator[float | None]:
    nothing = _NOTHING.fullmatch(part)
    if nothing is not None:
        yield from [None] * int(nothing["times"] or 1)
        return
    run = _RUN.fullmatch(part)
    if run is None:
        raise ValueError(part)
    first, by = float(run["first"]), float(run["by"] or 0)
    if not math.isfinite(first + by * int(run["times"] or 0)):
        raise ValueError(part)
    yield from (first + by * at for at in range(int(run["times"] or 0) + 1))
