"""One customer's journey: what it has come to, and how a step takes it further.

Steps are kept in order of their times, so that one that arrives late changes what it would have changed in time. A step
is one integer, which sorts by time:

    time, milliseconds │ signal, 4 bits │ place, 8 bits

A place is where a step was: its channel, its segments, and the ticket that it was about.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass

from msgspec import Struct

from stream.facts import Began, HandedOver, Moved, PathTaken, Spread, Stayed
from stream.segments import Values
from stream.sketch import bucket
from stream.stages import BUY, JOINED, LAPSED, LEVELS, NEW, Signal

KEPT = 24
"""The last steps of one journey, which may still be put in order."""
STEPS = 36
"""Steps at which those before the ones that are kept are summed up."""
_PATH = 5
"""Channels of a path, the last ones before a purchase."""
_OTHER = "other"
_CHANNELS = {"chat", "email", "phone", "web", "app", "social", "in_person", "voice", "device", "bot"}
"""Channels that are told apart between two; there would be no end of pairs otherwise."""

Place = tuple[str, Values, str | None]
"""Channel, segments and ticket of a step."""
Step = int
JourneyFact = Moved | Stayed | HandedOver | Began | Spread | PathTaken
Turn = tuple[int, Place, JourneyFact, int | None]
"""Something that a journey counts as: when, where, and what; and for how long a stage had lasted that ended then."""


class Life(Struct, array_like=True):
    """What the steps so far come to.

    ``stage`` is how far the customer has come (-1: nowhere yet), since ``since_ms``; ``last`` is the last step,
    ``path`` the channels of the present journey until a purchase, ``several`` whether there was more than one.
    ``bought``: ever. ``lapsed``: nothing was heard for long.
    """

    stage: int = -1
    since_ms: int = 0
    last: Step = 0
    bought: bool = False
    several: bool = False
    lapsed: bool = False
    path: tuple[str, ...] | None = ()

    @property
    def last_ms(self) -> int:
        return self.last >> 12


class Journey(Struct, array_like=True):
    """State of one journey. ``base`` sums up the steps before ``steps``, ``now`` all of them. ``due_ms`` is when it is
    to be looked at again, ``course`` what it was counted by.
    """

    places: list[Place]
    steps: list[Step]
    base: Life
    now: Life
    due_ms: int = 0
    course: int = 0

    def step(self, time_ms: int, signal: Signal, place: Place) -> Step:
        """A step, of a place that the journey knows from now on."""
        places = self.places
        at = self.now.last & 255
        if not places or places[at] is not place:
            if place not in places:
                places.append(place)
            at = places.index(place)
        return time_ms << 12 | signal << 8 | at

    def put(self, step: Step) -> None:
        """Put a step where it belongs; of two at the same time, the one that came first was first."""
        self.steps.insert(bisect_left(self.steps, ((step >> 12) + 1) << 12), step)

    def join(self, other: "Journey") -> None:
        """Take the steps of another journey, which was the same customer's; the lives before them are left alone."""
        for step in other.steps:
            self.put(self.step(step >> 12, step >> 8 & 15, other.places[step & 255]))


def begun() -> Journey:
    """The journey of somebody of whom nothing is known."""
    return Journey([], [], Life(), Life())


@dataclass(frozen=True, slots=True)
class Course:
    """What journeys are counted by: the names of the ``stages`` by level, after how long without a step a customer has
    lapsed, and up to how long between two channels counts as going from one to the other.
    """

    stages: tuple[str, ...]
    lapse_ms: int
    handoff_ms: int

    def is_still(self, life: Life, step: Step, places: Sequence[Place]) -> bool:
        """Whether a step changes nothing but when the last one was: on the same channel, soon, and no further."""
        signal = step >> 8 & 15
        return (
            0 <= (step >> 12) - (life.last >> 12) < self.lapse_ms
            and not life.lapsed
            and LEVELS[signal][life.bought] <= life.stage
            and signal != BUY
            and places[life.last & 255][0] == places[step & 255][0]
        )

    def live(self, life: Life, step: Step, places: Sequence[Place], turns: list[Turn]) -> None:
        """Let a step happen to a life, in place; what it counts as is added to ``turns``."""
        time_ms, place = step >> 12, places[step & 255]
        is_new = life.stage < 0
        if not is_new and not life.lapsed and time_ms >= life.last_ms + self.lapse_ms:
            self.lapse(life, places, turns)
        if is_new or life.lapsed:
            self._begin(life, step, place, turns)
        elif time_ms >= life.last_ms:
            before = places[life.last & 255]
            if before[0] != place[0]:
                self._hand_over(life, before, step, places, turns)
        self._advance(life, step, place, turns)
        if is_new or time_ms >= life.last_ms:
            life.last = step

    def stage(self, life: Life, now_ms: int) -> str:
        """Where a customer is at a moment after the last step."""
        if life.stage < 0:
            return NEW
        return LAPSED if self.lapses_ms(life) <= now_ms else self.stages[life.stage]

    def lapses_ms(self, life: Life) -> int:
        """When a customer has lapsed if nothing is heard until then."""
        return life.last_ms + self.lapse_ms

    def lapse(self, life: Life, places: Sequence[Place], turns: list[Turn]) -> None:
        """Nothing has been heard for long."""
        time_ms = life.last_ms + self.lapse_ms
        _move(life, self.stages[life.stage], LAPSED, time_ms, places[life.last & 255], turns)
        life.lapsed = True

    def _begin(self, life: Life, step: Step, place: Place, turns: list[Turn]) -> None:
        """A journey begins: the first, or that of one who comes back, to the stage where they were."""
        if life.lapsed:
            _move(life, LAPSED, self.stages[life.stage], step >> 12, place, turns)
        life.lapsed = life.several = False
        life.path = (_known(place[0]),)
        turns.append((step >> 12, place, Began(), None))

    def _hand_over(self, life: Life, before: Place, step: Step, places: Sequence[Place], turns: list[Turn]) -> None:
        """The customer went from one channel to another."""
        time_ms, place = step >> 12, places[step & 255]
        if not life.several:
            turns.append((time_ms, place, Spread(), None))
            life.several = True
        if life.path is not None:
            life.path = (*life.path, _known(place[0]))[-_PATH:]
        if time_ms - life.last_ms <= self.handoff_ms:
            same = None if before[2] is None else before[2] == place[2]
            turns.append((time_ms, place, HandedOver(_known(before[0]), _known(place[0]), same), None))

    def _advance(self, life: Life, step: Step, place: Place, turns: list[Turn]) -> None:
        """The stage moves forward, or stays."""
        signal, time_ms = step >> 8 & 15, step >> 12
        level = LEVELS[signal][life.bought]
        if signal == BUY:
            if life.path is not None:
                turns.append((time_ms, place, PathTaken(life.path), None))
            life.bought, life.path = True, None
        if level <= life.stage:
            return
        if life.stage < 0:
            _move(life, None, self.stages[level], time_ms, place, turns)
        elif self.stages[level] != self.stages[life.stage]:
            _move(life, self.stages[life.stage], self.stages[level], time_ms, place, turns)
        life.stage = level

    def lived(self, journey: Journey, steps: Iterable[Step]) -> tuple[Life, list[Turn]]:
        """What these steps make of the base of a journey, and what they count as."""
        life, turns = copy(journey.base), list[Turn]()
        for step in steps:
            self.live(life, step, journey.places, turns)
        return life, turns

    def join(self, journey: Journey, other: Journey) -> list[Turn]:
        """Sum up what came before the steps of two journeys that are one customer's; what that counts as.

        The one that had come further goes on, and the other one leaves the stage where it was.
        """
        if other.base.stage < 0:
            return []
        base, theirs = journey.base, copy(other.base)
        theirs.last = journey.step(theirs.last_ms, theirs.last >> 8 & 15, other.places[theirs.last & 255])
        if base.stage < 0:
            journey.base = theirs
            return []
        ahead, behind = (base, theirs) if base.stage >= theirs.stage else (theirs, base)
        turns: list[Turn] = []
        stage = LAPSED if behind.lapsed else self.stages[behind.stage]
        turns.append((behind.last_ms, journey.places[behind.last & 255], Moved(stage, JOINED), None))
        journey.base = copy(ahead)
        journey.base.bought |= behind.bought
        journey.base.last = max(ahead.last, behind.last)
        return turns

    def settle(self, journey: Journey) -> None:
        """The earlier steps stay as they are, whatever comes."""
        earlier = len(journey.steps) - KEPT
        journey.base, _ = self.lived(journey, journey.steps[:earlier])
        del journey.steps[:earlier]
        base, now = journey.base, journey.now
        used = {step & 255 for step in (*journey.steps, base.last, now.last)}
        new = {old: at for at, old in enumerate(sorted(used))}
        journey.places = [journey.places[old] for old in new]
        journey.steps = [step & ~255 | new[step & 255] for step in journey.steps]
        for life in (base, now):
            life.last = life.last & ~255 | new[life.last & 255]


def _move(life: Life, before: str | None, stage: str, time_ms: int, place: Place, turns: list[Turn]) -> None:
    """From one stage to another; from none at first."""
    after_ms = None if before is None else max(0, time_ms - life.since_ms)
    if before is not None and after_ms is not None:
        turns.append((time_ms, place, Stayed(before, bucket(after_ms)), None))
    turns.append((time_ms, place, Moved(before, stage), after_ms))
    life.since_ms = time_ms


def _known(channel: str) -> str:
    return channel if channel in _CHANNELS else _OTHER
