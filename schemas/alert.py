"""An alert's change of state, as subscribers see it."""

from typing import Literal

from msgspec import Struct, field


class Alert(Struct, frozen=True, kw_only=True):
    """``fingerprint`` (the record's key) derives from rule and labels, never from the value.

    ``id`` names this one transition: the same after a crash. ``sequence`` counts an alert's firings from 1.
    ``since`` is when the condition began to hold, ``at`` when the state changed, both event time in epoch milliseconds.
    """

    id: str
    fingerprint: str
    alert: str
    state: Literal["firing", "resolved"]
    severity: str
    labels: dict[str, str]
    metric: str
    window: str
    condition: Literal["above", "below"]
    bound: float
    value: float | None
    samples: int
    sequence: int
    since_ms: int = field(name="since")
    at_ms: int = field(name="at")
    annotations: dict[str, str] = field(default_factory=dict)
