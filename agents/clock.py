"""The one place where the clock is read."""

import time


def now_ms() -> int:
    """The time of day, in epoch milliseconds."""
    return time.time_ns() // 1_000_000
