"""What a batch of touchpoints comes to."""

from collections import Counter
from dataclasses import dataclass, field

from schemas.alert import FrictionAlert
from schemas.journey import JourneyStep
from schemas.rejected import Rejected
from stream.state import Changes
from stream.tally import CellId


@dataclass(slots=True)
class Folded:
    """What a batch comes to.

    ``cells`` are current totals as ``Totals`` encodes them, ``expired`` cells that are no longer kept, ``events``
    folded touchpoints by type. ``late`` ones were over a minute behind the watermark and still counted. ``capped`` are
    new values and reasons that went to ``other``. ``forgotten`` are customers, tickets and answers that were deleted.
    ``alerts`` are transitions of customers' friction. ``journeys`` are what others are to hear of customers' journeys,
    ``handed`` what those who keep other customers are to get: who it is for, and a record.
    """

    offset: int
    watermark_ms: int
    changes: Changes = field(default_factory=dict)
    cells: dict[CellId, bytes] = field(default_factory=dict)
    expired: list[CellId] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    journeys: list[JourneyStep] = field(default_factory=list)
    alerts: list[FrictionAlert] = field(default_factory=list)
    handed: list[tuple[str, bytes]] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    late: int = 0
    capped: int = 0
    forgotten: int = 0
    skipped: int = 0
