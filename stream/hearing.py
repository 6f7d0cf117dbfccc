"""Facts that a touchpoint tells by itself, whatever else is known."""

from collections.abc import Callable, Mapping
from typing import Any

from schemas.review import ReviewPosted, SocialMentioned
from schemas.survey import SurveySent
from schemas.touchpoint import Touchpoint
from stream.facts import Asked, Fact, Mentioned, Reviewed
from stream.segments import Values
from stream.tally import Tally

_FACTS: Mapping[type[Touchpoint], Callable[[Any], Fact]] = {
    SurveySent: lambda event: Asked(event.kind),
    ReviewPosted: lambda event: Reviewed(event.rating),
    SocialMentioned: lambda event: Mentioned(event.sentiment),
}
"""What a touchpoint says, by its type: one of few different facts."""


class Hearing:
    """Counts what single touchpoints say; that they arrived at all is counted by ``Arrivals``."""

    events = tuple(_FACTS)

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def take(self, event: Touchpoint, values: Values, watermark_ms: int) -> None:
        """Count what this touchpoint says."""
        codes = self._tally.codes(_FACTS[type(event)](event), values)
        self._tally.add(codes, event.time_ms, watermark_ms)
