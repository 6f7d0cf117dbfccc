"""Three real data sets through Kafka into two workers: every value equals SQL over the raw file, to the last digit."""

import random
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from functools import cache
from itertools import combinations, product
from pathlib import Path

import msgspec
import pytest

from agents import mappings
from agents.brokers import Broker
from agents.replay import replay
from schemas.metric import Metric
from stream import cohorts, mapping
from stream.board import Board
from stream.history import History
from stream.metrics import Value
from stream.metrics import read as read_metrics
from stream.metrics.handoffs import Handoffs
from stream.metrics.lifecycle import Lifecycle
from stream.metrics.stages import Stages
from stream.metrics.stickiness import Stickiness
from stream.metrics.targets import Targets
from stream.metrics.tickets import BACKLOG
from stream.slices import Calendar
from stream.windows import WINDOWS
from tests.agents.oracle import airport, incidents, purchases
from tests.e2e.consume import consume
from tests.e2e.workers import Deployment, deployment

Expected = dict[str, tuple[float, int]]
"""Value and samples by name."""
Truth = Callable[[tuple[str, ...], int, int], dict[tuple[str, ...], Expected]]
"""What SQL says, by the values of the dimensions, for a half-open interval."""
WITHIN = {f"resolution_p{p}_seconds" for p in (50, 90, 99)}
"""Quantiles: within 1 %; all else is equal to the last digit."""


@pytest.fixture
def streamed(kafka: Broker, tmp_path: Path) -> Iterator[Callable[..., Deployment]]:
    """Replays a file into two workers; the deployment when all of it is included."""
    opened = []

    def run(path: Path, name: str, segments: list[list[str]], **settings: object) -> Deployment:
        context = deployment(kafka.bootstrap, tmp_path, 2, segments=segments, **settings)
        running = context.__enter__()
        opened.append(context)
        source = mapping.parse(*mappings.find(name))
        sent = replay(path, source, cluster=running.settings.cluster, topic=running.settings.topic("touchpoints"))
        running.wait_until_read(sum(sent.events.values()), seconds=240)
        assert running.total("cx_touchpoints_folded_total") == sum(sent.events.values())
        return running

    yield run
    for context in opened:
        context.__exit__(None, None, None)


def boards(running: Deployment) -> list[Board]:
    """The topic `cells`, merged by the project's own code, with all that it ever held."""
    merged = [Board(running.settings.config, (), lambda _: None) for _ in range(running.settings.partitions)]
    records: dict[int, list] = {}
    for record in consume(running.settings.bootstrap, running.settings.topic("cells")):
        records.setdefault(record.partition, []).append(record)
    for partition, found in records.items():
        assert merged[partition].merge(found, 0) == 0
    return merged


def compare(values: dict[str, Value], expected: Expected, place: object) -> int:
    """How many values were compared."""
    for name, (value, samples) in expected.items():
        assert name in values, (place, name, values)
        assert values[name].samples == samples, (place, name)
        if name in WITHIN:
            assert values[name].value == pytest.approx(value, rel=0.01), (place, name)
        else:
            assert values[name].value == value, (place, name)
    assert not {n for n in values if n not in expected and n not in IGNORED}, (place, values, expected)
    return len(expected)


QUERIES = 40
IGNORED = {
    "touchpoints",
    "active_customers",
    *Stickiness.values,
    *Lifecycle.values,
    *Stages.values,
    *Handoffs.values,
    "fcr_one_touch_ratio",
    "ces_easy_ratio",
    "ces_hard_ratio",
    "fcr_confirmed_ratio",
    *Targets.values,
    BACKLOG,
}


def compare_cells(running: Deployment, truth: Truth, dimensions: list[tuple[str, ...]], moments: Iterable[int]) -> int:
    """Every window, as of each moment, for every segment of every dimension: equal to SQL; how many values were."""
    calendar, compared = running.settings.config.calendar, 0
    all_boards = boards(running)
    for moment in moments:
        for window in WINDOWS.values():
            start, end = window.interval(calendar, moment)
            for names in dimensions:
                expected = truth(names, start, end)
                found = {
                    tuple(value for _, value in segment): read_metrics(
                        board.history.read(segment, start, end, window.by_day)
                    )
                    for board in all_boards
                    for segment in board.history.segments()
                    if tuple(name for name, _ in segment) == names
                }
                for key in expected.keys() | found.keys():
                    compared += compare(found.get(key, {}), expected.get(key, {}), (window.name, moment, names, key))
    return compared


def published(running: Deployment) -> list[Metric]:
    """What the workers publish on the topic and to Prometheus, once both say the same: windows move on meanwhile."""
    for _ in range(5):
        latest: dict[bytes, Metric] = {}
        for record in consume(running.settings.bootstrap, running.settings.topic("metrics")):
            latest[record.key] = msgspec.json.decode(record.value, type=Metric)
        scraped: dict[tuple[str, frozenset], float] = {}
        for worker in running.workers:
            for (name, labels), value in worker.samples().items():
                if ("window" in dict(labels)) and not name.endswith(("_samples", "_bucket")):
                    assert (name, frozenset(labels)) not in scraped, "two workers have the same series"
                    scraped[name, frozenset(labels)] = value
        different = [metric for metric in latest.values() if scraped.get(series(metric)) != metric.value]
        if not different:
            return list(latest.values())
    raise AssertionError(f"Prometheus has another value than the topic: {different[:3]}")


def series(metric: Metric) -> tuple[str, frozenset]:
    name = metric.metric.replace("_rate", "_ratio").replace("fcr_", "first_contact_resolution_")
    name += "_minor_units" * (metric.unit == "money")
    cut = ",".join(metric.segment) or "total"
    return f"cx_{name}", frozenset({"window": metric.window, "cut": cut, **metric.segment}.items())


def compare_published(running: Deployment, truth: Truth) -> int:
    """What the workers publish equals SQL; how many values were compared.

    A value that stays the same is not published anew, so it stands for what its window covers by now.
    """
    metrics = published(running)
    moment, calendar = max(metric.as_of_ms for metric in metrics), running.settings.config.calendar
    groups: dict[tuple[tuple[str, ...], int, int], list[Metric]] = {}
    for metric in metrics:
        if metric.value is not None:
            interval = WINDOWS[metric.window].interval(calendar, moment)
            groups.setdefault((tuple(metric.segment), *interval), []).append(metric)
    compared = 0
    telling = sorted(place for place, metrics in groups.items() if any(m.metric not in IGNORED for m in metrics))
    for place in random.Random(1).sample(telling, min(QUERIES, len(telling))):
        expected = truth(*place)
        for metric in groups[place]:
            values = expected.get(tuple(metric.segment.values()), {})
            if metric.value is not None and metric.metric in values:
                found = {metric.metric: Value(metric.value, metric.samples)}
                compared += compare(found, {metric.metric: values[metric.metric]}, metric)
    return compared


def test_the_airport_survey_equals_sql(streamed: Callable[..., Deployment], shared_data: Callable[[str], Path]) -> None:
    path = shared_data("airport-survey-2017.csv")
    names = ("channel", "segment", "region", "product", "touchpoint")
    dimensions = [(), *((name,) for name in names), ("touchpoint", "segment"), ("segment", "product")]
    zone = "America/Los_Angeles"
    running = streamed(path, "airport-survey", [list(d) for d in dimensions if d], time_zone=zone)

    @cache
    def truth(by: tuple[str, ...], start: int, end: int) -> dict[tuple[str, ...], Expected]:
        found: dict[tuple[str, ...], Expected] = {}
        for key, nps in airport.nps(path, by, start, end).items():
            found.setdefault(key, {}).update(
                nps_score=(100 * (nps.promoters - nps.detractors) / nps.n, nps.n),
                nps_promoter_ratio=(nps.promoters / nps.n, nps.n),
                nps_detractor_ratio=(nps.detractors / nps.n, nps.n),
            )
        for key, csat in airport.csat(path, by, start, end).items():
            found.setdefault(key, {}).update(
                csat_score=(csat.total / csat.n, csat.n),
                csat_satisfied_ratio=(csat.satisfied / csat.n, csat.n),
                csat_normalized_score=((csat.n * 1 * 4 + 9 * (csat.total - csat.n)) / (4 * csat.n), csat.n),
            )
        for key, ces in airport.ces(path, by, start, end).items():
            found.setdefault(key, {}).update(ces_score=(ces.total / ces.n, ces.n))
        for values in found.values():
            answers = sum(values[name][1] for name in ("nps_score", "csat_score", "ces_score") if name in values)
            values["reasons_given_ratio"] = (0, answers)
        return found

    moments = [1_493_622_000_000 + day * 86_400_000 + 43_200_000 for day in (0, 6, 12, 22, 30)]
    assert compare_cells(running, truth, dimensions, moments) > 2_000
    assert compare_published(running, truth) > 50
    total = read_metrics(next(b for b in boards(running) if () in b.history.segments()).history.read((), *MAY_2017))
    assert (round(total["nps_score"].value, 2), total["nps_score"].samples) == (39.84, 2_746)
    assert (round(total["csat_score"].value, 3), total["csat_score"].samples) == (4.064, 2_688)


MAY_2017 = (1_493_596_800_000, 1_496_361_600_000)


@pytest.mark.timeout(600)  # 126,597 records, all compared
def test_the_incidents_equal_sql(streamed: Callable[..., Deployment], shared_data: Callable[[str], Path]) -> None:
    path = shared_data("it-incidents-2016.csv.gz")
    dimensions: list[tuple[str, ...]] = [(), ("channel",), ("team",), ("channel", "team")]
    running = streamed(path, "it-incidents", [list(d) for d in dimensions if d])

    @cache
    def truth(by: tuple[str, ...], start: int, end: int) -> dict[tuple[str, ...], Expected]:
        found: dict[tuple[str, ...], Expected] = {}
        for key, r in incidents.resolutions(path, by, start, end).items():
            values: Expected = {
                "fcr_ratio": (r.first_contact / r.resolved, r.resolved),
                "fcr_strict_ratio": (r.strict / r.resolved, r.resolved),
                "reopened_ratio": ((r.resolved - r.first_contact) / r.resolved, r.resolved),
                "reassignments_per_ticket": (r.moves / r.resolved, r.resolved),
                "messages_per_ticket": (0, r.resolved),
            }
            if r.timed:
                values["resolution_mean_seconds"] = (r.duration_ms / (1000 * r.timed), r.timed)
                for percent, ms in ((50, r.p50_ms), (90, r.p90_ms), (99, r.p99_ms)):
                    assert ms is not None
                    values[f"resolution_p{percent}_seconds"] = (ms / 1000, r.timed)
            if r.negative_durations:
                values["negative_durations"] = (r.negative_durations, r.negative_durations)
            found[key] = values
        opened = incidents.opened(path, by, start, end)
        for key in opened.keys() | found.keys():
            n, values = opened.get(key, 0), found.setdefault(key, {})
            closed = values.get("fcr_ratio", (0, 0))[1]  # each has its opening in the file
            values["backlog_change"] = (n - closed, n + closed)
            if n:
                values["tickets_opened"] = (n, n)
        return found

    rng = random.Random(3)
    resolved = [ticket.resolved_ms for ticket in incidents.tickets(path)]
    moments = [rng.choice(resolved) for _ in range(2)]
    assert compare_cells(running, truth, dimensions, moments) > 500
    assert compare_published(running, truth) > 10
    assert compare_backlogs(running, path, dimensions, moments) > 200


def compare_backlogs(running: Deployment, path: Path, dimensions: list[tuple[str, ...]], moments: list[int]) -> int:
    """The tickets still open at the end of each day, week and month equal SQL; how many values were compared."""
    calendar, compared, held = running.settings.config.calendar, 0, boards(running)
    for moment, name in product(moments, ("day", "week", "month")):
        start, end = WINDOWS[name].interval(calendar, moment)
        for names in dimensions:
            opened = incidents.opened(path, names, 0, end)
            closed = {key: r.resolved for key, r in incidents.resolutions(path, names, 0, end).items()}
            found = {
                tuple(value for _, value in segment): read_metrics(board.history.read(segment, start, end, by_day=True))
                for board in held
                for segment in board.history.segments()
                if tuple(name for name, _ in segment) == names
            }
            told = {
                key: (values[BACKLOG].value, values[BACKLOG].samples)
                for key, values in found.items()
                if BACKLOG in values
            }
            expected = {key: (opened.get(key, 0), closed.get(key, 0)) for key in opened.keys() | closed.keys()}
            assert told == {key: (n - gone, n + gone) for key, (n, gone) in expected.items()}
            compared += len(told)
    return compared


def compare_months(history: History, path: Path, calendar: Calendar) -> int:
    """New, retained, returning and dormant customers of each month equal SQL; how many months were compared."""
    truth = purchases.months(path)
    for day, month in truth.items():
        start_ms, end_ms = calendar.month_ms(calendar.midnight_ms(day))
        before_ms = calendar.month_ms(start_ms - 1)[0]
        found = read_metrics(history.read((), start_ms, end_ms, by_day=True, before_ms=before_ms))
        assert found["new_customers"].value == month.new
        assert found["retained_customers"].value == month.retained
        assert found["returning_customers"].value == month.active - month.new - month.retained
        assert found["dormant_customers"].value == month.active_before - month.retained
        assert found["retention_ratio"] == Value(month.retained / month.active_before, month.active_before)
    return len(truth)


def compare_cohorts(history: History, path: Path, calendar: Calendar) -> int:
    """The cohorts by month equal SQL; how many of their numbers were compared."""
    truth = purchases.cohorts(path)
    counted, month = {}, date(1997, 1, 1)
    while month < date(1998, 8, 1):
        start_ms = calendar.midnight_ms(month)
        counted[month.toordinal()] = history.read((), start_ms, calendar.day_end_ms(start_ms)).total
        month = (month + timedelta(days=31)).replace(day=1)
    found = cohorts.matrix("month", counted)
    assert {date.fromordinal(began): ages for began, ages in found.items()} == truth
    return sum(len(ages) for ages in truth.values())


def test_the_purchases_equal_sql(streamed: Callable[..., Deployment], shared_data: Callable[[str], Path]) -> None:
    path = shared_data("cd-purchases-1997.txt.gz")
    running = streamed(path, "cd-purchases", [["channel"], ["product"]])
    calendar = running.settings.config.calendar
    held = boards(running)
    checked = 0
    months = [calendar.month_ms(start)[0] for start in range(853_027_200_000, 900_000_000_000, 40 * 86_400_000)]
    for start, end in [*combinations(months, 2), (months[0], 1_000_000_000_000)]:
        for board in held:
            for segment in board.history.segments():
                names = tuple(name for name, _ in segment)
                sql = purchases.activity(path, calendar.date(start), calendar.date(end), names)
                expected = sql.get(tuple(value for _, value in segment))
                values = read_metrics(board.history.read(segment, start, end, by_day=True))
                assert expected is not None
                assert values["active_customers"].value == expected.customers
                assert values["touchpoints"].value == values["purchases"].value == expected.purchases
                assert values["revenue"].value == expected.cents
                assert values["average_order_value"].value == expected.cents / expected.purchases
                checked += 1
    assert checked > 100
    whole = next(b for b in held if () in b.history.segments()).history
    assert compare_months(whole, path, calendar) == 17
    assert compare_cohorts(whole, path, calendar) > 40
    assert (
        read_metrics(whole.read((), 852_076_800_000, 1_000_000_000_000, by_day=True))["active_customers"].value
        == 23_570
    )
    assert (
        read_metrics(whole.read((), 852_076_800_000, 854_755_200_000, by_day=True))["active_customers"].value == 7_846
    )
