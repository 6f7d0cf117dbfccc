"""Confidence intervals against published figures, and against formulas written out here."""

from math import comb, inf, sqrt
from statistics import NormalDist

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.metrics import UNITS, Reading, Value, metric_of
from stream.rules.intervals import has_interval, interval, mean, net, order, wilson
from stream.rules.students import normal_quantile, t_quantile
from stream.sketch import bucket


@pytest.mark.parametrize(
    ("degrees", "ninety", "ninety_five", "ninety_nine"),
    [
        (1, 6.314, 12.706, 63.657),
        (2, 2.920, 4.303, 9.925),
        (3, 2.353, 3.182, 5.841),
        (4, 2.132, 2.776, 4.604),
        (5, 2.015, 2.571, 4.032),
        (10, 1.812, 2.228, 3.169),
        (20, 1.725, 2.086, 2.845),
        (30, 1.697, 2.042, 2.750),
        (60, 1.671, 2.000, 2.660),
        (120, 1.658, 1.980, 2.617),
        (1_000_000, 1.645, 1.960, 2.576),
    ],
)
def test_quantiles_of_t_are_those_of_the_tables(
    degrees: int, ninety: float, ninety_five: float, ninety_nine: float
) -> None:
    found = [t_quantile(confidence, degrees) for confidence in (0.90, 0.95, 0.99)]
    assert found == pytest.approx([ninety, ninety_five, ninety_nine], abs=0.0006)


@pytest.mark.parametrize(("confidence", "z"), [(0.5, 0.674), (0.8, 1.282), (0.9, 1.645), (0.95, 1.960), (0.99, 2.576)])
def test_quantiles_of_the_normal_distribution_are_those_of_the_tables(confidence: float, z: float) -> None:
    assert normal_quantile(confidence) == pytest.approx(z, abs=0.0005)


@pytest.mark.parametrize(
    ("part", "n", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilsons_interval_is_that_of_newcombes_table(part: int, n: int, low: float, high: float) -> None:
    assert wilson(part / n, n, 0.95) == pytest.approx((low, high), abs=0.00005)


@pytest.mark.parametrize("n", [1, 7, 1_000])
@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_wilsons_bounds_are_just_as_many_standard_errors_away(n: int, share: float) -> None:
    for bound in wilson(share, n, 0.9):
        assert (share - bound) ** 2 == pytest.approx(1.6448536**2 * bound * (1 - bound) / n, abs=1e-7)


def test_the_interval_of_an_nps_is_the_adjusted_wald_of_rocks() -> None:
    """3/4 promoters, 3/4 detractors and 3/2 passives are added; then the variance of a difference of two shares."""
    for promoters, passives, detractors in [(15, 8, 13), (0, 0, 1), (0, 10, 0), (500, 300, 200)]:
        up, between, down = promoters + 0.75, passives + 1.5, detractors + 0.75
        n = up + between + down
        scores = [1.0, 0.0, -1.0]
        shares = [up / n, between / n, down / n]
        middle = sum(score * share for score, share in zip(scores, shares, strict=True))
        variance = sum(share * (score - middle) ** 2 for score, share in zip(scores, shares, strict=True))
        reach = NormalDist().inv_cdf(0.975) * sqrt(variance / n)
        expected = max(-100, 100 * (middle - reach)), min(100, 100 * (middle + reach))
        assert net(promoters, passives, detractors, 0.95) == pytest.approx(expected)


def test_the_interval_of_an_nps_holds_the_truth_about_as_often_as_it_says() -> None:
    """All outcomes of 25 answers by their probability, with 30 % promoters and 20 % detractors."""
    n, up, down, held = 25, 0.3, 0.2, 0.0
    for promoters in range(n + 1):
        for detractors in range(n + 1 - promoters):
            low, high = net(promoters, n - promoters - detractors, detractors, 0.9)
            if low <= 100 * (up - down) <= high:
                ways = comb(n, promoters) * comb(n - promoters, detractors)
                held += ways * up**promoters * down**detractors * (1 - up - down) ** (n - promoters - detractors)
    assert 0.88 < held < 0.94


def test_the_interval_of_a_mean_is_that_of_the_textbook() -> None:
    """Ten values with mean 3.2 and standard deviation 1.0328: 3.2 ± 2.262 · 1.0328 / √10."""
    values = [(2.0, 3), (3.0, 3), (4.0, 3), (5.0, 1)]
    assert mean(values, 3.2, 0.95) == pytest.approx((2.4612, 3.9388), abs=0.0005)
    assert mean([(3.0, 1)], 3.0, 0.95) is None


@pytest.mark.parametrize(("n", "q", "low", "high"), [(100, 0.5, 40, 61), (1_000, 0.9, 881, 920), (20, 0.99, 18, None)])
def test_the_interval_of_a_quantile_lies_between_two_ranks(n: int, q: float, low: int, high: int | None) -> None:
    """Of 100 values, the median lies between the 40th and the 61st (Conover)."""
    step = 50
    buckets = {bucket(step * rank): 0 for rank in range(1, n + 1)}
    for rank in range(1, n + 1):
        buckets[bucket(step * rank)] += 1
    found = order(buckets, q, 0.95)
    assert found[0] == pytest.approx(step * low, rel=0.02)
    assert found[1] == (inf if high is None else pytest.approx(step * high, rel=0.02))


def test_the_interval_of_a_quantile_covers_it_about_as_often_as_it_says() -> None:
    """The chance that so many of n values are below the quantile is binomial."""
    n, q = 60, 0.9
    buckets = {bucket(1_000 * rank): 1 for rank in range(1, n + 1)}
    low, high = (round(bound / 1_000) for bound in order(buckets, q, 0.9))
    held = sum(comb(n, k) * q**k * (1 - q) ** (n - k) for k in range(low, high))
    assert 0.9 < held < 0.99


SCORES = {"csat:1:5:2": 3, "csat:1:5:5": 5, "ces:1:7:2": 2, "ces:1:7:6": 6}
NPS = {"nps:0:10:9": 5, "nps:0:10:3": 4, "nps:0:10:8": 2}
TIMES = {"art.n": 3, "art.ms": 12_000, f"art.b{bucket(2_000)}": 1, f"art.b{bucket(5_000)}": 2}
COUNTERS = {**SCORES, **NPS, **TIMES, "resolved": 10, "resolved.first": 4, "review.2": 3, "review.5": 1}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("csat_score", mean([(2.0, 3), (5.0, 5)], 3.875, 0.9)),
        ("csat_normalized_score", mean([(3.25, 3), (10.0, 5)], 7.46875, 0.9)),
        ("csat_satisfied_ratio", wilson(5 / 8, 8, 0.9)),
        ("ces_score", mean([(2.0, 2), (6.0, 6)], 5.0, 0.9)),
        ("nps_score", net(5, 2, 4, 0.9)),
        ("fcr_ratio", wilson(0.4, 10, 0.9)),
        ("review_score", mean([(2.0, 3), (5.0, 1)], 2.75, 0.9)),
        ("resolution_mean_seconds", mean([(2.0, 1), (5.0, 2)], 4.0, 0.9)),
    ],
)
def test_intervals_are_read_from_the_counters_of_a_metric(name: str, expected: tuple[float, float]) -> None:
    value = metric_of(name).read(Reading(COUNTERS))[name]
    found = interval(name, value, Reading(COUNTERS), 0.9)
    assert found == pytest.approx(expected, abs=0.06)
    assert found is not None
    assert found[0] <= value.value <= found[1]


def test_a_share_beyond_all_has_no_interval() -> None:
    assert interval("fcr_ratio", Value(1.2, 5), Reading({}), 0.9) is None


@pytest.mark.parametrize("name", [name for name in UNITS if has_interval(name)])
def test_what_has_an_interval_can_be_read_without_data(name: str) -> None:
    found = interval(name, Value(0.5, 2), Reading({}), 0.9)
    assert found is None or found[0] <= found[1]


@settings(deadline=None, max_examples=300)
@given(st.dictionaries(st.sampled_from([*COUNTERS, "nps:0:10:7", "csat:1:5:4"]), st.integers(-9, 9)))
def test_what_was_taken_back_where_it_was_not_counted_raises_nothing(counters: dict[str, int]) -> None:
    """A window may have the correction, and not what it corrects: then counters are below nothing."""
    reading = Reading(counters)
    for name in filter(has_interval, UNITS):
        value = metric_of(name).read(reading).get(name)
        found = None if value is None else interval(name, value, reading, 0.9)
        assert found is None or found[0] <= found[1]


def test_a_value_that_is_there_less_than_no_times_is_left_out_of_the_interval() -> None:
    assert mean([(1.0, 4), (5.0, 4), (9.0, -3)], 3.0, 0.9) == mean([(1.0, 4), (5.0, 4)], 3.0, 0.9)
    assert mean([(1.0, 1), (5.0, -4)], 3.0, 0.9) is None
    counters = {"nps:0:10:10": -5, "nps:0:10:8": 20, "nps:0:10:1": 3}
    found = interval("nps_score", Value(-17.0, 18), Reading(counters), 0.9)
    assert found == net(0, 20, 3, 0.9)


def test_all_ratios_and_no_counts_have_an_interval() -> None:
    assert all(has_interval(name) for name, unit in UNITS.items() if unit in ("ratio", "seconds", "score"))
    assert not any(has_interval(name) for name, unit in UNITS.items() if unit in ("tickets", "customers", "money"))
