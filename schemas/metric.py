"""The value of one metric for one segment and one window."""

from msgspec import Struct, field


class Metric(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``value`` is None where there is no data; ``samples`` is what it rests on (answers, tickets, customers).

    ``window`` is the name of a sliding window (``1h``) or calendar period (``month``); ``start``/``end`` its half-open
    interval in epoch milliseconds; ``as_of`` the event time up to which it was read. A value is published when it
    changes: until the next one it holds for what the window covers by then. ``distribution`` has the number of answers
    by score for each scale, for the survey scores; by reason for each group of answers, for the reasons.
    """

    metric: str
    segment: dict[str, str]
    window: str
    start_ms: int = field(name="start")
    end_ms: int = field(name="end")
    as_of_ms: int = field(name="as_of")
    value: float | None
    samples: int
    unit: str
    distribution: dict[str, dict[str, int]] | None = None
