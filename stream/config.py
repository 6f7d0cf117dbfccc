"""What the pure core needs to know about a deployment. Built and checked by the settings; trusted here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from stream.personas import PERSONA, Persona
from stream.schedule import Week
from stream.slices import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, TEN_SECONDS_MS, Calendar
from stream.stages import PRESETS
from stream.state import HOT_BYTES
from stream.tuning import Tuning
from stream.windows import WINDOWS

Segmentation = tuple[str, ...]
"""The dimensions that segments are made of; the empty one gives the total."""

DEFAULT_SEGMENTATIONS: tuple[Segmentation, ...] = ((), ("channel",), ("segment",), ("region",), ("product",))

RETENTION_MS: Mapping[int, int] = {
    TEN_SECONDS_MS: HOUR_MS,
    MINUTE_MS: 6 * HOUR_MS,
    HOUR_MS: 8 * DAY_MS,
    DAY_MS: 800 * DAY_MS,
}
"""How long slices of each resolution are kept after their end, by the watermark."""

KEPT_MS = RETENTION_MS[DAY_MS] + 2 * DAY_MS
"""For how long a customer, a ticket or an answer can change a number that is kept: all of its last day counts."""

Targets = Mapping[str, int]
"""How long something may take, in milliseconds, by the priority of what it is for."""
NORMAL = "normal"
"""The priority of what has none."""


def _targets(unit_ms: int, urgent: int, high: int, normal: int, low: int) -> Targets:
    return {"urgent": urgent * unit_ms, "high": high * unit_ms, NORMAL: normal * unit_ms, "low": low * unit_ms}


TARGETS_MS: Mapping[str, Targets] = {
    "wait": _targets(SECOND_MS, 30, 60, 120, 300),
    "first_reply": _targets(MINUTE_MS, 30, 120, 480, 1_440),
    "resolution": _targets(MINUTE_MS, 240, 1_440, 4_320, 10_080),
}
"""Targets where the settings say nothing: for waits, first replies to tickets, and their resolution."""


@dataclass(frozen=True, slots=True)
class Config:
    """``future_ms``: how far an event may be ahead of the clock. ``max_segments``: values of one segmentation that a
    partition tells apart before the rest goes to ``other``; ``max_reasons``: the same for reasons of survey answers.
    ``recent_ids``: event ids remembered for each customer.
    ``max_record_bytes``: larger ones are rejected. ``kept_ms``: how long a customer or a case is kept after the last
    touchpoint about it, by the watermark, where that is not ``KEPT_MS``. ``hot_bytes``: memory for the decoded state of
    one partition; the rest of it is read from the store when it is needed. ``stages`` is one of ``PRESETS``;
    ``signals`` are what touchpoints of a type tell of a journey where that is not the usual. A customer has lapsed
    after ``lapse_ms`` without a step; up to ``handoff_ms`` between two channels is going from one to the other.
    Of ``personas``, the first that fits is the customer's.
    ``targets`` has those of ``TARGETS_MS``. Whether a resolution stood is known ``confirm_ms`` after it.
    ``friction`` is how signals of friction are set, by name, where that is not the usual.
    ``business_week`` is when somebody is there, but for ``holidays``; None where nothing counts by business hours.
    """

    segmentations: tuple[Segmentation, ...] = DEFAULT_SEGMENTATIONS
    windows: tuple[str, ...] = tuple(WINDOWS)
    calendar: Calendar = field(default_factory=Calendar)
    retention_ms: Mapping[int, int] = field(default_factory=lambda: dict(RETENTION_MS))
    future_ms: int = 5 * MINUTE_MS
    max_segments: int = 1_000
    max_reasons: int = 100
    recent_ids: int = 128
    max_record_bytes: int = 262_144
    kept_ms: Mapping[str, int] = field(default_factory=dict)
    hot_bytes: int = HOT_BYTES
    stages: str = next(iter(PRESETS))
    signals: Mapping[str, str] = field(default_factory=dict)
    lapse_ms: int = 30 * DAY_MS
    handoff_ms: int = DAY_MS
    personas: tuple[Persona, ...] = ()
    targets: Mapping[str, Targets] = field(default_factory=lambda: dict(TARGETS_MS))
    confirm_ms: int = 7 * DAY_MS
    business_week: Week | None = None
    holidays: frozenset[date] = frozenset()
    friction: Mapping[str, Tuning] = field(default_factory=dict)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Every dimension that some segmentation uses, in order of first use."""
        return tuple(dict.fromkeys(name for segmentation in self.segmentations for name in segmentation))

    @property
    def personal(self) -> tuple[Segmentation, ...]:
        """The segmentations by persona, where there are personas."""
        return tuple(names for names in self.segmentations if PERSONA in names) if self.personas else ()

    @property
    def read(self) -> tuple[str, ...]:
        """The dimensions that are read from touchpoints."""
        return tuple(name for name in self.dimensions if name != PERSONA) if self.personas else self.dimensions

    def kept(self, what: str) -> int:
        """For how long a ``customer`` is kept, or a kind of case by its title; in milliseconds."""
        return self.kept_ms.get(what, KEPT_MS)
