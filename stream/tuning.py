"""How one friction signal is set in a deployment."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Tuning:
    """``thresholds`` by their names; what is None or left out is as the signal itself says."""

    on: bool = True
    severity: str | None = None
    cooldown_ms: int | None = None
    thresholds: Mapping[str, int] = field(default_factory=dict)
