"""Firings: counts and lengths of what fired in a stretch, against a count of seconds."""

from hypothesis import given
from hypothesis import strategies as st

from schemas.alert import MetricAlert
from stream.trials.firings import firings

START, END = 100, 200


def told(name: str, state: str, at_ms: int) -> MetricAlert:
    return MetricAlert(
        id=f"{name}-{at_ms}",
        fingerprint=name,
        alert=name,
        state=state,  # type: ignore[arg-type]  # one of the two
        severity="warning",
        labels={},
        sequence=1,
        since_ms=at_ms,
        at_ms=at_ms,
        metric="touchpoints",
        window="1h",
        condition="above",
        bound=1,
        value=None,
        samples=0,
    )


def alternating(times: list[int], name: str = "A") -> list[MetricAlert]:
    return [told(name, "resolved" if at % 2 else "firing", time) for at, time in enumerate(times)]


@given(st.sets(st.integers(0, 300), max_size=9))
def test_total_and_longest_are_those_of_a_naive_count(times: set[int]) -> None:
    ordered = sorted(times)
    fires = [sum(1 for time in ordered if time <= at) % 2 == 1 for at in range(START, END)]
    runs = [len(run) for run in "".join("x" if each else " " for each in fires).split()]
    found = firings(alternating(ordered), START, END)
    assert sum(each.total_ms for each in found) == sum(fires)
    assert max((each.longest_ms for each in found), default=0) == max(runs, default=0)
    assert sum(each.times for each in found) == len(runs)
    assert any(each.goes_on for each in found) == fires[-1]


def test_first_and_last_are_when_it_began_but_not_before_the_stretch() -> None:
    (found,) = firings(alternating([50, 120, 150, 160, 190]), START, END)
    assert (found.first_ms, found.last_ms, found.times) == (START, 190, 3)


def test_alerts_are_counted_apart_and_those_without_a_firing_are_left_out() -> None:
    both = [*alternating([110, 120], "A"), *alternating([130, 140], "B"), *alternating([10, 20], "C")]
    assert [(each.alert, each.total_ms) for each in firings(both, START, END)] == [("A", 10), ("B", 10)]
