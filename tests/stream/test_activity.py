"""Active days: in whatever order they become known, the counts are those of the set of days."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import msgpack

from stream.activity import FIRST, Activity, Counted, seen, started
from stream.facts import Active

DAY = 86_400_000
Moment = tuple[int, int]
"""Day, and milliseconds into it."""
moments = st.tuples(st.integers(730_000, 730_060), st.integers(0, DAY - 1))


def midnight(day: int) -> int:
    return day * DAY


def told(order: list[Moment]) -> tuple[Activity, list[Counted]]:
    """The activity after these moments, and everything that was counted on the way."""
    (day, into), *rest = order
    activity = started(day, midnight(day) + into)
    facts: list[Counted] = [(midnight(day) + into, FIRST)]
    for day, into in rest:
        facts = facts + seen(activity, day, midnight(day) + into, midnight)
    return activity, facts


def by_day(facts: list[Counted]) -> dict[tuple[int, int | None], int]:
    """What is counted by day and gap; what was taken back is gone."""
    counts: dict[tuple[int, int | None], int] = {}
    for at_ms, fact in facts:
        key = (at_ms // DAY, fact.gap_days)
        counts[key] = counts.get(key, 0) + fact.sign
    return {key: count for key, count in counts.items() if count}


def truth(order: list[Moment]) -> dict[tuple[int, int | None], int]:
    """One count for each day, by how many days after the one before."""
    days = sorted({day for day, _ in order})
    return {(days[0], None): 1} | {(later, later - earlier): 1 for earlier, later in pairwise(days)}


@settings(deadline=None, max_examples=300)
@given(order=st.lists(moments, min_size=1, max_size=25))
def test_any_order_of_days_counts_what_the_set_of_days_does(order: list[Moment]) -> None:
    assert by_day(told(order)[1]) == truth(order)


@settings(deadline=None, max_examples=300)
@given(order=st.lists(moments, min_size=1, max_size=25), data=st.data())
def test_the_state_does_not_depend_on_the_order(order: list[Moment], data: st.DataObject) -> None:
    other = data.draw(st.permutations(order))
    assert msgpack.encode(told(order)[0]) == msgpack.encode(told(other)[0])


@settings(deadline=None, max_examples=200)
@given(order=st.lists(moments, min_size=1, max_size=25))
def test_the_last_day_is_counted_at_its_first_moment(order: list[Moment]) -> None:
    activity, facts = told(order)
    last = max(day for day, _ in order)
    first_ms = min(midnight(day) + into for day, into in order if day == last)
    standing: dict[tuple[int, Active], int] = {}
    for at_ms, fact in facts:
        if at_ms // DAY == last:
            key = (at_ms, Active(fact.gap_days))
            standing[key] = standing.get(key, 0) + fact.sign
    assert [(at_ms, count) for (at_ms, _), count in standing.items() if count] == [(first_ms, 1)]
    assert activity.last_ms == first_ms


@settings(deadline=None)
@given(order=st.lists(moments, min_size=1, max_size=10))
def test_what_is_known_changes_nothing_when_it_comes_again(order: list[Moment]) -> None:
    activity, _ = told(order)
    before = msgpack.encode(activity)
    assert [seen(activity, day, midnight(day) + into, midnight) for day, into in order] == [[]] * len(order)
    assert msgpack.encode(activity) == before


@settings(deadline=None)
@given(order=st.lists(moments, min_size=2, max_size=10), cut=st.integers(1, 9))
def test_activity_survives_storage(order: list[Moment], cut: int) -> None:
    activity, _ = told(order[:cut])
    stored = msgpack.decode(msgpack.encode(activity), type=Activity)
    for day, into in order[cut:]:
        moment = (day, midnight(day) + into, midnight)
        assert seen(stored, *moment) == seen(activity, *moment)
    assert stored == activity


#   days    10      13          17
#           new     +3          +4
#                       15
#   late                +2      +2 in place of +4
@pytest.mark.parametrize(
    ("day", "facts"),
    [
        (15, [(15, Active(2)), (17, Active(4, -1)), (17, Active(2))]),
        (8, [(8, Active(None)), (10, Active(None, -1)), (10, Active(2))]),
        (20, [(20, Active(3))]),
        (13, []),
    ],
)
def test_a_late_day_moves_the_gap_of_the_one_after_it(day: int, facts: list[tuple[int, Active]]) -> None:
    activity, _ = told([(10, 0), (13, 0), (17, 0)])
    found = seen(activity, day, midnight(day), midnight)
    assert [(at_ms // DAY, fact) for at_ms, fact in found] == facts
