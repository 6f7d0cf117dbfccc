"""A metric's value as it goes out."""

from schemas.cell import Segment
from schemas.metric import Metric
from stream.metrics import UNITS, Value
from stream.windows import Interval


def published(
    name: str, segment: Segment, window: str, interval: Interval, as_of_ms: int, value: Value | None
) -> Metric:
    """The value of metric ``name`` (None: no data), read over ``interval`` at the event time ``as_of_ms``."""
    return Metric(
        metric=name,
        segment=dict(segment),
        window=window,
        start_ms=interval[0],
        end_ms=interval[1],
        as_of_ms=as_of_ms,
        value=None if value is None else value.value,
        samples=0 if value is None else value.samples,
        unit=UNITS[name],
        distribution=None if value is None else value.distribution,
    )
