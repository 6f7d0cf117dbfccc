"""A journey puts the last 24 steps in order, however many there were before."""

from random import Random

import pytest

from stream.config import Config
from stream.journey import KEPT, Course, begun
from stream.slices import DAY_MS, HOUR_MS
from stream.stages import PRESETS

START = 1_773_187_200_000
COURSE = Course(PRESETS["five"], Config().lapse_ms, Config().handoff_ms)


@pytest.mark.parametrize("seed", range(20))
def test_the_last_24_steps_are_put_in_order(seed: int) -> None:
    """A step arrives up to so many places too late; all that is left as it is was in order."""
    random = Random(seed)
    told = [(START + number * HOUR_MS, random.randrange(7), random.choice("abc")) for number in range(200)]
    arriving = sorted(range(200), key=lambda at: at + (random.randrange(KEPT) if random.random() < 0.2 else 0))
    late, ordered = begun(), begun()
    for journey, places in ((late, arriving), (ordered, range(200))):
        for at in places:
            time_ms, signal, channel = told[at]
            journey.put(journey.step(time_ms, signal, (channel, (), None)))
            journey.now, _ = COURSE.lived(journey, journey.steps)
            if len(journey.steps) > KEPT:
                COURSE.settle(journey)
    assert late.now.stage == ordered.now.stage
    assert (late.now.since_ms, late.now.last_ms, late.now.bought) == (
        ordered.now.since_ms,
        ordered.now.last_ms,
        ordered.now.bought,
    )
    assert late.now.last_ms == told[-1][0] < START + 9 * DAY_MS
