"""Laws that every registered metric obeys, and each against a naive list of what it counted."""

import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import msgpack
from msgspec.structs import replace

from stream.counters import Counters, add, merged
from stream.facts import (
    Active,
    Answered,
    Arrived,
    Asked,
    Began,
    Bounced,
    Breached,
    CartClosed,
    CartRecovered,
    Cohort,
    Confirmed,
    Contact,
    Delivered,
    Fact,
    FirstPurchase,
    HandedOver,
    Joined,
    Left,
    LeftBacklog,
    Mentioned,
    Moved,
    Opened,
    PathTaken,
    Purchased,
    Refunded,
    Replied,
    Resolved,
    Reviewed,
    Spread,
    Stayed,
    Trial,
    TrialExpired,
    Waited,
)
from stream.metrics import METRICS, UNITS, Metric, Reading, Value, counted
from stream.metrics import read as read_all
from stream.metrics.definition import DefinitionError, counts, define
from stream.metrics.lifecycle import Lifecycle
from stream.metrics.reach import Reach
from tests.laws import oracle

laws = settings(deadline=None, max_examples=60)
each_metric = pytest.mark.parametrize("metric", METRICS, ids=lambda metric: type(metric).__name__)

SCALES = {"ces": [(1, 7), (1, 5), (0, 3), (-3, 3)], "csat": [(1, 10), (1, 5), (1, 7), (0, 100)], "nps": [(0, 10)]}
channels = st.sampled_from(["chat", "phone", "other"])
currencies = st.sampled_from(["EUR", "USD"])
amounts = st.integers(0, 10**12)
durations = st.one_of(st.none(), st.integers(-10_000, 10_000), st.integers(0, 90 * 86_400_000))


@st.composite
def answered(draw: st.DrawFn, kinds: Sequence[str] = tuple(SCALES)) -> Answered:
    kind = draw(st.sampled_from(kinds))
    low, high = draw(st.sampled_from(SCALES[kind]))
    reasons = draw(st.sets(st.sampled_from(["price", "speed", "other"])))
    return Answered(kind, draw(st.integers(low, high)), low, high, reasons=tuple(sorted(reasons)))


FACTS: dict[type, st.SearchStrategy[Fact]] = {
    Answered: answered(),
    Resolved: st.builds(
        Resolved,
        st.sets(st.sampled_from(list(Contact))).map(lambda s: tuple(sorted(s))),
        durations,
        in_time=st.booleans(),
        business_ms=st.one_of(st.none(), st.integers(0, 90 * 86_400_000)),
    ),
    Breached: st.builds(Breached, st.sampled_from(["first_reply", "resolution"]), st.just(1)),
    LeftBacklog: st.builds(LeftBacklog, st.integers(0, 1_000), st.just(1)),
    Confirmed: st.builds(Confirmed, st.booleans(), st.just(1)),
    Cohort: st.builds(Cohort, st.sampled_from(["week", "month"]), st.integers(0, 200), st.just(1)),
    Opened: st.just(Opened()),
    Replied: st.builds(Replied, st.integers(0, 10**9), st.just(1), st.booleans()),
    Waited: st.builds(
        Waited, st.one_of(st.none(), st.integers(0, 10**7)), st.just(1), st.sampled_from([None, False, True])
    ),
    Active: st.builds(Active, st.one_of(st.none(), st.integers(1, 40))),
    Arrived: st.builds(Arrived, st.sampled_from(["chat.started", "visit.page", "goal.tried", "account.cancelled"])),
    Asked: st.builds(Asked, st.sampled_from(["ces", "csat", "nps"])),
    Reviewed: st.builds(Reviewed, st.integers(1, 5)),
    Mentioned: st.builds(Mentioned, st.sampled_from([None, "positive", "neutral", "negative"])),
    Trial: st.builds(Trial, st.booleans(), st.just(1)),
    TrialExpired: st.just(TrialExpired()),
    Joined: st.just(Joined()),
    Left: st.just(Left()),
    CartClosed: st.builds(CartClosed, st.booleans(), st.just(1)),
    CartRecovered: st.just(CartRecovered()),
    Moved: st.builds(Moved, st.sampled_from([None, "awareness", "lapsed"]), st.just("purchase"), st.just(1)),
    Stayed: st.builds(Stayed, st.sampled_from(["awareness", "lapsed"]), st.integers(0, 2_000), st.just(1)),
    HandedOver: st.builds(HandedOver, channels, channels, st.sampled_from([None, False, True]), st.just(1)),
    Began: st.just(Began()),
    Spread: st.just(Spread()),
    PathTaken: st.builds(PathTaken, st.lists(channels, min_size=1, max_size=5).map(tuple), st.just(1)),
    Purchased: st.builds(Purchased, currencies, amounts, st.booleans(), st.booleans(), st.just(1)),
    Refunded: st.builds(Refunded, currencies, amounts, st.booleans(), st.just(1)),
    FirstPurchase: st.just(FirstPurchase()),
    Delivered: st.builds(Delivered, st.booleans(), st.booleans(), st.booleans(), st.just(1)),
    Bounced: st.just(Bounced()),
}


def with_purchases(facts: list[Fact]) -> list[Fact]:
    """A first purchase is one of the purchases."""
    return [*facts, *(Purchased("EUR", 5, False, False) for fact in facts if isinstance(fact, FirstPurchase))]


any_facts = st.lists(st.one_of(*FACTS.values()), max_size=30).map(with_purchases)


def count(metric: Metric, facts: Sequence[Fact]) -> Counters:
    total: Counters = {}
    for fact in facts:
        if isinstance(fact, metric.facts):
            add(total, merged([{name: by} for name, by in metric.count(fact)]))
    return total


def read(metric: Metric, counters: Counters) -> dict[str, object]:
    """What it reads, whether or not its window is made of days."""
    by_day, stocked = Reading(counters, [counters, {}]), Reading(counters, [counters, {}], stock=counters)
    return {"": metric.read(Reading(counters)), "by day": metric.read(by_day), "stocked": metric.read(stocked)}


def test_every_kind_of_fact_has_a_generator() -> None:
    assert {kind for metric in METRICS for kind in metric.facts} <= FACTS.keys()


@each_metric
@laws
@given(facts=any_facts)
def test_merging_with_nothing_changes_nothing(metric: Metric, facts: list[Fact]) -> None:
    counters = count(metric, facts)
    assert merged([{}, counters]) == merged([counters, {}]) == counters


@each_metric
@laws
@given(facts=any_facts, at=st.integers(0, 30))
def test_two_parts_merged_equal_the_whole(metric: Metric, facts: list[Fact], at: int) -> None:
    whole = count(metric, facts)
    parts = merged([count(metric, facts[:at]), count(metric, facts[at:])])
    assert parts == whole
    assert read(metric, parts) == read(metric, whole)


@each_metric
@laws
@given(facts=any_facts, data=st.data())
def test_any_order_gives_the_same(metric: Metric, facts: list[Fact], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(facts))
    assert count(metric, shuffled) == count(metric, facts)
    assert read(metric, count(metric, shuffled)) == read(metric, count(metric, facts))


@each_metric
@laws
@given(facts=any_facts)
def test_a_batch_equals_one_by_one(metric: Metric, facts: list[Fact]) -> None:
    assert merged(count(metric, [fact]) for fact in facts) == count(metric, facts)


@each_metric
@laws
@given(facts=any_facts, mistaken=any_facts)
def test_what_is_taken_back_leaves_nothing(metric: Metric, facts: list[Fact], mistaken: list[Fact]) -> None:
    mistaken = [fact for fact in mistaken if hasattr(fact, "sign")]
    taken_back: list[Fact] = [replace(fact, sign=-1) for fact in mistaken]
    assert count(metric, [*facts, *mistaken, *taken_back]) == count(metric, facts)
    assert count(metric, [*taken_back, *facts, *mistaken]) == count(metric, facts)


@each_metric
@laws
@given(facts=any_facts)
def test_counters_survive_storage(metric: Metric, facts: list[Fact]) -> None:
    counters = count(metric, facts)
    stored = msgpack.decode(msgpack.encode(counters), type=Counters)
    assert stored == counters
    assert read(metric, stored) == read(metric, counters)


@each_metric
@laws
@given(facts=any_facts)
def test_reading_and_merging_leave_their_input_alone(metric: Metric, facts: list[Fact]) -> None:
    counters = count(metric, facts)
    before = dict(counters)
    read(metric, counters)
    total = merged([counters])
    add(total, {"other": 1})
    assert counters == before
    assert read(metric, counters) is not read(metric, counters)


@each_metric
@pytest.mark.parametrize("days", [None, [], [{}], [{}] * 30])
def test_reading_nothing_gives_nothing(metric: Metric, days: list[Counters] | None) -> None:
    assert metric.read(Reading({}, days)) == metric.read(Reading({}, days, stock={})) == {}


@each_metric
@laws
@given(facts=any_facts, earlier=any_facts)
def test_what_is_read_is_declared_with_its_samples_and_within_bounds(
    metric: Metric, facts: list[Fact], earlier: list[Fact]
) -> None:
    counters, stock = count(metric, facts), count(metric, earlier)
    by_day = [Reading(counters, days, stock=stock) for days in ([counters], [counters, {}])]
    for reading in (Reading(counters), *by_day):
        found = metric.read(reading)
        assert found.keys() <= metric.values.keys()
        for name, value in found.items():
            assert value.samples > 0
            assert UNITS[name] != "ratio" or 0 <= value.value <= 1


@each_metric
def test_every_value_has_a_unit(metric: Metric) -> None:
    assert metric.values
    assert all(UNITS[name] == unit != "" for name, unit in metric.values.items())


def test_no_value_is_named_twice() -> None:
    assert len(UNITS) == sum(len(metric.values) for metric in METRICS)


def test_no_counter_is_shared_by_two_metrics() -> None:
    samples = [Answered("ces", 5, 1, 7, reasons=("price",)), Answered("csat", 5, 1, 10), Answered("nps", 5, 0, 10)]
    facts: list[Fact] = [
        *samples,
        Resolved(tuple(Contact), 5, in_time=True, business_ms=3),
        Resolved((), -5),
        Active(None),
        Active(3),
        *map(Arrived, ("visit.page", "goal.tried", "goal.reached", "purchase.failed", "account.cancelled")),
        Trial(True),
        Joined(),
        Left(),
        Asked("ces"),
        Reviewed(4),
        Mentioned(None),
        Purchased("EUR", 5, True, False),
        Refunded("EUR", 5, True),
        FirstPurchase(),
        Delivered(True, True, True),
        Bounced(),
        Opened(),
        Replied(5, in_time=True),
        *map(Breached, ("first_reply", "resolution")),
        Confirmed(True),
        LeftBacklog(3),
        Waited(5, in_time=True),
        Waited(None),
    ]
    names = [name for metric in METRICS for name in count(metric, facts)]
    assert len(names) == len(set(names))


@each_metric
def test_every_value_has_a_formula_and_every_metric_an_example(metric: Metric) -> None:
    definition = define(metric)
    assert [*definition.formulas] == [*metric.values]
    assert all(definition.formulas.values())
    assert definition.example.startswith(">>>")


@each_metric
@laws
@given(facts=any_facts)
def test_every_counter_is_in_the_definition(metric: Metric, facts: list[Fact]) -> None:
    definition = define(metric)
    assert [name for name in count(metric, facts) if not counts(definition, name)] == []


def test_a_definition_that_lacks_a_section_is_refused() -> None:
    class Vague(Reach):
        """How it feels.

        Formulas:
            vague = a feeling
        """

    with pytest.raises(DefinitionError, match="must say a summary and then Formulas, Counters"):
        define(Vague())


@laws
@given(facts=any_facts)
def test_the_registry_counts_and_reads_what_all_metrics_do(facts: list[Fact]) -> None:
    total = merged({name: by} for fact in facts for name, by in counted(fact))
    assert total == merged(count(metric, facts) for metric in METRICS)
    reading = Reading(total, [total])
    assert read_all(reading) == {name: v for metric in METRICS for name, v in metric.read(reading).items()}


def assert_reads(facts: Sequence[Fact], truth: oracle.Numbers) -> None:
    counters = merged({name: by} for fact in facts for name, by in counted(fact))
    found = read_all(Reading(counters))
    assert [name for name in truth if name not in found] == []
    families = {name.split("_")[0] for name in truth}
    others = re.compile(".*_seconds|.*_breach_ratio")
    known = {name for name in found if name.split("_")[0] in families and not others.match(name)}
    assert known <= truth.keys()
    for name, (value, samples) in truth.items():
        assert found[name].value == pytest.approx(float(value), rel=1e-12)
        assert found[name].samples == samples


@laws
@given(facts=st.lists(answered(["ces"]), max_size=40))
def test_effort_equals_the_list(facts: list[Answered]) -> None:
    assert_reads(facts, oracle.effort([(fact.score, fact.low, fact.high) for fact in facts]))


@laws
@given(facts=st.lists(answered(["csat"]), max_size=40))
def test_satisfaction_equals_the_list(facts: list[Answered]) -> None:
    assert_reads(facts, oracle.satisfaction([(fact.score, fact.low, fact.high) for fact in facts]))


@laws
@given(facts=st.lists(answered(["nps"]), max_size=40))
def test_recommendation_equals_the_list(facts: list[Answered]) -> None:
    assert_reads(facts, oracle.recommendation([(fact.score, fact.low, fact.high) for fact in facts]))


@laws
@given(facts=st.lists(answered(), max_size=40))
def test_reasons_equal_the_list(facts: list[Answered]) -> None:
    events = [
        {"type": "survey.answered", "id": "", "customer": "", "survey": str(number), "time": 0}
        | {
            "kind": fact.kind,
            "score": fact.score,
            "scale": {"min": fact.low, "max": fact.high},
            "reasons": fact.reasons,
        }
        for number, fact in enumerate(facts)
    ]
    found = read_all(Reading(merged({name: by} for fact in facts for name, by in counted(fact))))
    assert ("reasons_given_ratio" in found) == bool(facts)
    if facts:
        given = found["reasons_given_ratio"]
        assert given == Value(sum(bool(fact.reasons) for fact in facts) / len(facts), len(facts), given.distribution)
        assert given.distribution == oracle.reasons(events, 0, 1)


@pytest.mark.parametrize(
    ("kind", "scale", "name", "holds"),
    [
        ("ces", (1, 7), "ces_easy_ratio", {5, 6, 7}),
        ("ces", (1, 7), "ces_hard_ratio", {1, 2, 3}),
        ("ces", (1, 5), "ces_easy_ratio", {4, 5}),
        ("ces", (1, 5), "ces_hard_ratio", {1, 2}),
        ("ces", (1, 4), "ces_easy_ratio", {3, 4}),
        ("ces", (1, 4), "ces_hard_ratio", {1, 2}),
        ("csat", (1, 5), "csat_satisfied_ratio", {4, 5}),
        ("csat", (1, 7), "csat_satisfied_ratio", {6, 7}),
        ("csat", (1, 10), "csat_satisfied_ratio", {8, 9, 10}),
        ("nps", (0, 10), "nps_promoter_ratio", {9, 10}),
        ("nps", (0, 10), "nps_detractor_ratio", {0, 1, 2, 3, 4, 5, 6}),
    ],
)
def test_each_score_is_on_its_side_of_the_threshold(
    kind: str, scale: tuple[int, int], name: str, holds: set[int]
) -> None:
    low, high = scale
    each = {score: Reading(dict(counted(Answered(kind, score, low, high)))) for score in range(low, high + 1)}
    reads = {score: read_all(reading)[name].value for score, reading in each.items()}
    assert {score for score, value in reads.items() if value == 1} == holds
    assert set(reads.values()) <= {0, 1}


@laws
@given(facts=st.lists(FACTS[Resolved], max_size=40))
def test_resolution_equals_the_list(facts: list[Resolved]) -> None:
    tickets = [
        {**{contact.value: contact in fact.contacts for contact in Contact}, "duration": fact.duration_ms}
        for fact in facts
    ]
    assert_reads(facts, oracle.resolution(tickets))


@laws
@given(given_ms=st.lists(st.one_of(st.integers(0, 20), st.integers(0, 400 * 86_400_000)), min_size=1, max_size=200))
def test_quantiles_are_within_one_percent_of_the_discrete_ones(given_ms: list[int]) -> None:
    facts = [Resolved((), duration_ms) for duration_ms in given_ms]
    found = read_all(Reading(merged({name: by} for fact in facts for name, by in counted(fact))))
    for percent in (50, 90, 99):
        exact = oracle.quantile(sorted(given_ms), Fraction(percent, 100)) / 1000
        assert found[f"resolution_p{percent}_seconds"].value == pytest.approx(exact, rel=0.01 + 1e-9, abs=0)


@laws
@given(
    days=st.dictionaries(st.integers(0, 20), st.sets(st.integers(0, 40)), max_size=12),
    first=st.integers(0, 40),
    lengths=st.tuples(st.integers(1, 12), st.integers(1, 12)),
)
def test_the_life_cycle_equals_the_sets(days: dict[int, set[int]], first: int, lengths: tuple[int, int]) -> None:
    counters = by_day(days)
    before, run = range(first, first + lengths[0]), range(first + lengths[0], first + sum(lengths))
    now_by_day, before_by_day = ([counters.get(day, {}) for day in period] for period in (run, before))
    found = Lifecycle().read(Reading({}, now_by_day, before_by_day))
    earlier, now = ({who for who, active in days.items() if active & set(period)} for period in (before, run))
    new = {who for who in now if min(days[who]) in run}
    truth = {"new": new, "retained": now & earlier, "returning": now - earlier - new, "dormant": earlier - now}
    for name, who in truth.items():
        if earlier if name == "dormant" else now:
            assert found[f"{name}_customers"].value == len(who)
        else:
            assert f"{name}_customers" not in found
    if earlier:
        assert found["retention_ratio"] == Value(len(now & earlier) / len(earlier), len(earlier))
        assert found["churn_ratio"] == Value(len(earlier - now) / len(earlier), len(earlier))


def by_day(days: dict[int, set[int]]) -> dict[int, Counters]:
    """What active days of each customer come to."""
    counters: dict[int, Counters] = {}
    for active in days.values():
        ordered = sorted(active)
        gaps = [None, *(later - earlier for earlier, later in pairwise(ordered))]
        for day, gap in zip(ordered, gaps, strict=False):
            add(counters.setdefault(day, {}), dict(counted(Active(gap))))
    return counters


@laws
@given(
    days=st.dictionaries(st.integers(0, 20), st.sets(st.integers(0, 60)), max_size=12),
    first=st.integers(0, 60),
    length=st.integers(1, 40),
)
def test_active_customers_of_any_run_of_days_equal_the_set(days: dict[int, set[int]], first: int, length: int) -> None:
    counters = by_day(days)
    run = range(first, first + length)
    found = read_all(Reading({}, [counters.get(day, {}) for day in run]))
    seen = {customer for customer, active in days.items() if active & set(run)}
    assert (found["active_customers"].samples if seen else found.get("active_customers", 0)) == len(seen)
    if seen and length > 1:
        last = sum(run[-1] in active for active in days.values())
        assert found["stickiness_ratio"].value == last / len(seen)
    else:
        assert "stickiness_ratio" not in found
