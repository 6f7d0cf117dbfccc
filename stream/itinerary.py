"""A customer's journey from the first touchpoint to the last, as people want to read it: from the raw events."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from schemas.touchpoint import Touchpoint
from stream.config import Config
from stream.journey import Course, JourneyFact, Life, Place, Turn
from stream.stages import PRESETS, Signals


@dataclass(frozen=True, slots=True)
class Leg:
    """A touchpoint, or (None) a time at which nothing had been heard for long; and what it was to the journey."""

    time_ms: int
    event: Touchpoint | None
    turns: list[JourneyFact] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Itinerary:
    """All of a journey. ``stage`` is where the customer is now, since ``since_ms``; None where there was no step."""

    legs: list[Leg]
    stage: str | None
    since_ms: int


def itinerary(events: Iterable[Touchpoint], config: Config, now_ms: int) -> Itinerary:
    """The journey that these touchpoints of one customer make, in whatever order they come; by ``now_ms``.

    It is what is counted, but for touchpoints that came after 24 later ones: here they are in order too.
    """
    course = Course(PRESETS[config.stages], config.lapse_ms, config.handoff_ms)
    signals, life = Signals(config.signals), Life()
    before: Place = ("", (), None)
    legs: list[Leg] = []
    once: dict[tuple[str, str], Touchpoint] = {}
    for event in events:
        once.setdefault((event.customer, event.id), event)
    for event in sorted(once.values(), key=lambda event: event.time_ms):
        turns: list[Turn] = []
        signal = signals.of(event)
        if signal is not None:
            place: Place = (event.channel, (), event.ticket)
            # Two places are enough: that of the step before, and this one's.
            life.last = life.last & ~255
            course.live(life, event.time_ms << 12 | signal << 8 | 1, (before, place), turns)
            before = place
        legs += _lapse(turns, event.time_ms)
        legs.append(Leg(event.time_ms, event, [fact for time_ms, _, fact, _ in turns if time_ms == event.time_ms]))
    if life.stage >= 0 and life.last_ms + config.lapse_ms <= now_ms:
        turns = []
        life.last = life.last & ~255
        course.lapse(life, (before,), turns)
        legs += _lapse(turns, now_ms + 1)
    stage = None if life.stage < 0 else "lapsed" if life.lapsed else course.stages[life.stage]
    return Itinerary(legs, stage, life.since_ms)


def _lapse(turns: list[Turn], before_ms: int) -> list[Leg]:
    """What happened before, because nothing did."""
    earlier = [(time_ms, fact) for time_ms, _, fact, _ in turns if time_ms < before_ms]
    return [Leg(earlier[0][0], None, [fact for _, fact in earlier])] if earlier else []
