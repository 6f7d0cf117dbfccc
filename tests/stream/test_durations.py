"""Distributions of durations are exact at their bounds, though each duration is only known within 1 %."""

from hypothesis import given
from hypothesis import strategies as st

from stream.counters import merged
from stream.metrics import Reading, durations

near_bounds = st.sampled_from([bound + by for bound in durations.BOUNDS_MS for by in (-1, 0, 1)])
lists = st.lists(st.integers(0, 10**11) | near_bounds, min_size=1)


@given(lists)
def test_so_many_durations_do_not_exceed_a_bound_as_a_plain_list_says(found_ms: list[int]) -> None:
    counters = merged(dict(durations.count("wait", each, 1)) for each in found_ms)
    told = durations.read(Reading(counters), "wait", "wait")["wait_mean_seconds"].at_most
    assert told == tuple(sum(each <= bound for each in found_ms) for bound in durations.BOUNDS_MS)


@given(lists, lists)
def test_what_is_taken_back_leaves_the_distribution_of_the_rest(kept_ms: list[int], gone_ms: list[int]) -> None:
    kept = [dict(durations.count("wait", each, 1)) for each in kept_ms]
    came = [dict(durations.count("wait", each, sign)) for each in gone_ms for sign in (1, -1)]
    told, expected = (durations.read(Reading(merged(each)), "wait", "wait") for each in (kept + came, kept))
    assert told["wait_mean_seconds"].at_most == expected["wait_mean_seconds"].at_most


def test_bounds_are_within_a_hundredth_of_what_people_would_choose() -> None:
    minutes, hours, days = (60 * n for n in (1, 2, 5, 15, 30)), (3600 * n for n in (1, 2, 4, 8)), (1, 3, 7, 30)
    chosen = [1, 5, 15, 30, *minutes, *hours, *(86_400 * n for n in days)]
    for bound_ms, seconds in zip(durations.BOUNDS_MS, chosen, strict=True):
        assert abs(bound_ms / 1000 / seconds - 1) <= 0.01
