"""A round that is written in parts, and a crash after any of them: what is told is what would have been told."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.alert import MetricAlert
from stream.board import Board
from stream.config import Config
from stream.rules.rule import Rule
from stream.slices import HOUR_MS, MINUTE_MS, SECOND_MS
from tests.laws.test_watch import CHANNELS, START, Step, Subject, some_rules, steps
from tests.laws.watching import Raw

CONFIG = Config(segmentations=((), ("channel",)))
Told = dict[str, MetricAlert]


def later(subject: Subject, now_ms: int, step: Step) -> int:
    """A step of a story: what comes, without telling of it."""
    now_ms += step.passes_ms
    subject.feed([Raw(now_ms + at, channel, score) for at, channel, score in step.events], (now_ms, now_ms))
    return now_ms


def crashed(subject: Subject, before: dict[bytes, bytes], part: list[tuple[bytes, bytes | None]]) -> Told:
    """What a worker tells that begins with the state ``before`` and a part of the changes of the round."""
    store = dict(before)
    for key, value in part:
        store.pop(key, None) if value is None else store.__setitem__(key, value)
    board = Board(subject.config, subject.rules, store.get, list(store))
    told = board.watch.standing()
    board.merge(subject.log, 0)
    return {alert.id: alert for alert in [*told, *board.evaluate(0)]}


def assert_parts_tell_the_same(subject: Subject, known: Told) -> int:
    """Evaluate, and crash at each boundary; ``known`` is what was told in the rounds before. How much was told."""
    before = dict(subject.store)
    made = {alert.id: alert for alert in subject.board.evaluate(0)}
    changes = subject.board.changes()
    for cut in range(len(changes) + 1):
        told = crashed(subject, before, changes[:cut])
        assert {name: told.get(name) for name in made} == made, f"after {cut} of {len(changes)}"
        assert {name: alert for name, alert in told.items() if name not in made} == {
            name: known[name] for name in told.keys() - made.keys()
        }
    return len(made)


@settings(deadline=None, max_examples=60)
@given(rules=some_rules(), story=st.lists(steps, min_size=1, max_size=4), last=steps)
def test_a_crash_between_two_parts_of_a_round_changes_nothing_that_is_told(
    rules: list[Rule], story: list[Step], last: Step
) -> None:
    subject, now_ms, known = Subject(CONFIG, rules), START + 7 * HOUR_MS + 1_234, Told()
    for step in story:
        now_ms = later(subject, now_ms, step)
        known |= {alert.id: alert for alert in subject.evaluate()}
    later(subject, now_ms, last)
    assert_parts_tell_the_same(subject, known)


@pytest.mark.parametrize("no_data", ["resolve", "alert"])
def test_an_alert_that_came_and_went_several_times_in_a_round_keeps_its_ids(no_data) -> None:
    """Catching up by an hour: written without the clock, its state would be put to the test again from the start."""
    rules = [
        Rule("Busy", "touchpoints", "5m", "above", 1.5, by=("channel",), no_data=no_data),
        Rule("Slow", "touchpoints", "5m", "above", 0.5, for_ms=2 * MINUTE_MS, keep_ms=3 * MINUTE_MS),
        Rule("Once", "touchpoints", "1h", "above", 3.5, no_data="keep"),
    ]
    subject, now_ms = Subject(CONFIG, rules), START + 7 * HOUR_MS
    subject.feed([Raw(now_ms, "web", 3)], (now_ms, now_ms))
    known = {alert.id: alert for alert in subject.evaluate()}
    events = [
        Raw(now_ms + minute * MINUTE_MS + at * SECOND_MS, channel, 4)
        for minute in (11, 24, 37, 51)
        for channel in CHANNELS
        for at in range(3)
    ]
    subject.feed(events, (now_ms + 58 * MINUTE_MS, now_ms + 58 * MINUTE_MS))
    assert assert_parts_tell_the_same(subject, known) > 10
