"""One measure, as it is printed."""

from typing import Any

from msgspec import Struct, json


class Measure(Struct, kw_only=True, omit_defaults=True):
    """Events and what they cost after the warm-up. ``ratio_to_full`` is how often the full job's speed this is.

    CPU time and ``peak_mib`` are those of the job's own process; a limit has no ``peak_mib``. ``p50_ms`` and ``p99_ms``
    are from an event to its alert, while the full job takes so many events per second.
    """

    name: str
    events: int
    events_per_second: float
    events_per_cpu_second: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    peak_mib: float | None = None
    ratio_to_full: float | None = None

    def line(self) -> str:
        return json.encode(self).decode()


def measured(name: str, outcome: dict[str, Any]) -> Measure:
    """From what a job says of itself."""
    return Measure(
        name=name,
        events=outcome["events"],
        events_per_second=round(outcome["events"] / outcome["seconds"]),
        events_per_cpu_second=round(outcome["events"] / outcome["cpu_seconds"]),
        peak_mib=round(outcome["peak_mib"], 1) if "peak_mib" in outcome else None,
    )
