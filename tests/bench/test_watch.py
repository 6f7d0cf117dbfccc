"""A guard: rounds of rules stay far below a second. The bounds are several times what is found on a quiet machine."""

from tests.bench.watch import run


def test_a_thousand_rules_on_a_thousand_segments_are_tested_in_a_fraction_of_a_second() -> None:
    found = run(1_000, 1_000)
    assert found.pairs == 1_000_000
    assert found.firing > 0
    assert found.cold < 0.4
    assert found.all_changed < 0.4
    assert found.some_changed < 0.02
