"""What a worker tells Prometheus, read by the parsers of its own library and by promtool."""

import math
import time
from collections.abc import Sequence

import orjson
import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.samples import Sample

from agents.exposition import Exposition
from agents.instruments import Instruments
from agents.naming import family, label_names
from agents.simulator import Population, encode
from schemas.metric import Metric
from stream.board import Board
from stream.config import Config
from stream.driver import Driver
from stream.folded import Folded
from stream.metrics import UNITS
from stream.rules.rule import Rule
from stream.slices import DAY_MS, HOUR_MS
from tests.alerts import friction
from tests.deploy.prometheus import promtool
from tests.laws.stories import START

OPEN = "application/openmetrics-text;version=1.0.0"
CUTS = ((), ("channel",), ("region",), ("segment",), ("product",), ("channel", "region"))
Labels = frozenset[tuple[str, str]]
NOW = START + HOUR_MS


@pytest.fixture(scope="module")
def driver() -> Driver:
    """An hour of 400 customers, on three partitions."""
    driver = Driver(Config(segmentations=CUTS, windows=("5m", "1h", "1d", "day")), partitions=3)
    driver.feed(((each.key, each.value) for each in encode(Population(5, 400, START, HOUR_MS, 1.5))), NOW)
    driver.advance(NOW)
    return driver


def exposition(boards: Sequence[Board], dimensions: tuple[str, ...] = ("channel", "region")) -> Exposition:
    return Exposition(CollectorRegistry(), lambda: dict(enumerate(boards)), dimensions)


def told(boards: Sequence[Board], config: Config) -> list[Sample]:
    body, _ = exposition(boards, config.dimensions).render("")
    return [sample for found in parse_text(body.decode()) for sample in found.samples]


def series(sample: Sample) -> tuple[str, Labels]:
    return sample.name, frozenset(sample.labels.items())


def expected(metric: Metric) -> Labels:
    cut = ",".join(metric.segment) or "total"
    return frozenset({"window": metric.window, "cut": cut, **metric.segment}.items())


def test_prometheus_is_told_what_the_topic_is_told(driver: Driver) -> None:
    found = {series(each): each.value for each in told(driver.boards, driver.config) if "window" in each.labels}
    wanted = {}
    for metric in driver.metrics():
        if metric.value is not None:
            wanted[family(metric.metric), expected(metric)] = float(metric.value)
            wanted[f"{family(metric.metric)}_samples", expected(metric)] = float(metric.samples)
    gauges = {place: value for place, value in found.items() if not place[0].endswith("_bucket")}
    assert gauges == wanted
    assert len(gauges) > 5_000


def test_a_distribution_has_all_samples_and_agrees_with_the_percentile(driver: Driver) -> None:
    found = {series(sample): sample.value for sample in told(driver.boards, driver.config)}
    compared = 0
    for (name, labels), samples in found.items():
        if name == "cx_wait_mean_seconds_samples":
            buckets = sorted(
                (float(dict(of)["le"]), count)
                for (each, of), count in found.items()
                if each == "cx_wait_seconds_bucket" and {pair for pair in of if pair[0] != "le"} == labels
            )
            assert buckets[-1] == (math.inf, samples)
            median = found["cx_wait_p50_seconds", labels]
            holding = next(bound for bound, count in buckets if count >= samples / 2)
            assert median <= holding * 1.01
            compared += 1
    assert compared > 10


def test_openmetrics_says_the_same_with_kinds_and_units(driver: Driver) -> None:
    body, kind = exposition(driver.boards, driver.config.dimensions).render(OPEN)
    assert kind.startswith(OPEN.replace(";", "; "))
    families = {found.name: found for found in parse_open(body.decode())}
    assert families["cx_wait_seconds"].type == "gaugehistogram"
    assert families["cx_first_contact_resolution_ratio"].unit == "ratio"
    assert (
        "tickets resolved at first contact / tickets resolved"
        in families["cx_first_contact_resolution_ratio"].documentation
    )
    samples = [series(sample) for found in families.values() for sample in found.samples]
    assert set(samples) == set(map(series, told(driver.boards, driver.config)))
    assert len(samples) == len(set(samples))


def test_no_two_boards_tell_the_same_series(driver: Driver) -> None:
    by_board = [list(map(series, told([board], driver.config))) for board in driver.boards]
    assert all(by_board)
    together = [place for places in by_board for place in places]
    assert len(together) == len(set(together))


def test_series_end_with_their_segment_and_with_the_data_of_their_window() -> None:
    driver = Driver(Config(segmentations=((), ("channel",)), windows=("5m", "day")))
    driver.feed(((each.key, each.value) for each in encode(Population(5, 50, START, HOUR_MS, 0.5))), NOW)
    driver.advance(NOW)
    assert windows_of("cx_touchpoints", driver) == {"5m", "day"}
    driver.advance(NOW + HOUR_MS)
    assert windows_of("cx_touchpoints", driver) == {"day"}
    driver.advance(NOW + 900 * DAY_MS)
    assert told(driver.boards, driver.config) == []


def windows_of(name: str, driver: Driver) -> set[str]:
    return {sample.labels["window"] for sample in told(driver.boards, driver.config) if sample.name == name}


def test_whatever_dimensions_and_values_are_called_they_can_be_read() -> None:
    names = ("sales team", "sales-team", "le", "job", "9lives", "__name__")
    value = 'a "quoted" \\ value\nof two lines'
    driver = Driver(Config(segmentations=tuple((name,) for name in names), windows=("day",)))
    event = {"type": "visit.page", "id": "1", "time": START, "customer": "ann", "channel": "web", "page": "/"}
    driver.feed([(b"ann", orjson.dumps(event | {"labels": dict.fromkeys(names, value)}))], START)
    driver.advance(START)
    for accepted, parse in (("", parse_text), (OPEN, parse_open)):
        text = exposition(driver.boards, names).render(accepted)[0].decode()
        samples = [sample for found in parse(text) for sample in found.samples if sample.name == "cx_touchpoints"]
        written = set(label_names(names).values())
        found = [(name, sample.labels[name]) for sample in samples for name in sample.labels if name in written]
        assert sorted(found) == [(name, value) for name in sorted(written)]


@pytest.mark.parametrize("name", UNITS)
def test_names_end_with_the_base_unit(name: str) -> None:
    unit, told = UNITS[name], family(name)
    assert told.endswith({"ratio": "_ratio", "seconds": "_seconds", "score": "_score"}.get(unit, ""))
    assert not told.endswith(("_rate", "_total", "_count", "_sum", "_bucket"))


def test_no_two_values_have_one_name() -> None:
    assert len({family(name) for name in UNITS}) == len(UNITS)


def test_alerts_are_counted_while_they_fire() -> None:
    rules = [Rule(name, "touchpoints", "5m", "above", bound) for name, bound in (("Busy", 0.5), ("Packed", 99))]
    driver = Driver(Config(windows=("5m",)), rules)
    event = {"type": "visit.page", "id": "1", "time": START, "customer": "ann", "channel": "web", "page": "/"}
    driver.feed([(b"ann", orjson.dumps(event))], START)
    driver.advance(START)
    assert firing(driver) == {("Busy", "warning"): 1}
    driver.advance(START + HOUR_MS)
    assert firing(driver) == {("Busy", "warning"): 0}


def firing(driver: Driver) -> dict[tuple[str, str], float]:
    samples = [each for each in told(driver.boards, driver.config) if each.name == "cx_alerts_firing"]
    return {(each.labels["alert"], each.labels["severity"]): each.value for each in samples}


def test_cohorts_are_those_of_the_last_twelve_weeks() -> None:
    """Who comes in the first week and every third one after it, and who comes in the last one."""
    driver, week_ms = Driver(Config(segmentations=((),), windows=("day",))), 7 * DAY_MS
    events = [("ann", week) for week in range(0, 19, 3)] + [("bob", 18), ("cia", 16), ("cia", 18)]
    for number, (customer, week) in enumerate(sorted(events, key=lambda each: each[1])):
        time_ms = START + week * week_ms
        event = {"type": "visit.page", "id": f"{number}", "time": time_ms, "customer": customer, "channel": "web"}
        driver.feed([(customer.encode(), orjson.dumps(event | {"page": "/"}))], time_ms)
    driver.advance(START + 18 * week_ms)
    samples = [each for each in told(driver.boards, driver.config) if each.name == "cx_weekly_cohort_customers"]
    found = {(int(each.labels["weeks_ago"]), int(each.labels["age_weeks"])): each.value for each in samples}
    assert found == {(0, 0): 1, (2, 0): 1, (2, 2): 1}


def test_moves_between_stages_and_channels_are_those_of_thirty_days() -> None:
    driver = Driver(Config(segmentations=((),), windows=("day",)))
    steps = [
        ("visit.page", "web", 0),
        ("visit.page", "web", 40),
        ("chat.started", "chat", 40),
        ("visit.app", "app", 40),
    ]
    for number, (kind, channel, day) in enumerate(steps):
        time_ms = START + day * DAY_MS + number
        event = {"type": kind, "id": f"{number}", "time": time_ms, "customer": "ann", "channel": channel}
        more = {"visit.page": {"page": "/"}, "visit.app": {"screen": "home"}, "chat.started": {}}[kind]
        driver.feed([(b"ann", orjson.dumps(event | more))], time_ms)
        driver.advance(time_ms)
    samples = [each for each in told(driver.boards, driver.config) if "from" in each.labels]
    found = {(each.name, each.labels["from"], each.labels["to"]): each.value for each in samples}
    assert found.pop(("cx_channel_handoffs", "web", "chat")) == 1
    assert found.pop(("cx_channel_handoffs", "chat", "app")) == 1
    assert {name for name, *_ in found} == {"cx_stage_moves"}
    assert ("cx_stage_moves", "awareness", "lapsed") in found  # on day 30
    assert not any(before == "none" for _, before, _ in found)  # on day 0


def test_promtool_has_nothing_to_say_about_metrics_and_health(driver: Driver) -> None:
    health = Instruments()
    health.alerts.labels("Slow", "firing").inc()
    body, _ = Exposition(health.registry, lambda: dict(enumerate(driver.boards)), driver.config.dimensions).render("")
    assert promtool("check", "metrics", text=body) == (0, "")


def test_twenty_thousand_series_are_rendered_within_a_tenth_of_a_second() -> None:
    driver = Driver(Config(segmentations=(*CUTS, ("product", "region")), windows=("5m", "15m", "1h", "1d", "day")))
    driver.feed(((each.key, each.value) for each in encode(Population(5, 2_000, START, HOUR_MS, 2.5))), NOW)
    driver.advance(NOW)
    rendering = exposition(driver.boards, driver.config.dimensions)
    seconds: list[float] = []
    for _ in range(5):  # the best of a few: others use the machine too
        began_s = time.perf_counter()
        body, _ = rendering.render(OPEN)
        seconds.append(time.perf_counter() - began_s)
    lines = sum(not line.startswith(b"#") for line in body.splitlines())
    assert lines >= 20_000
    assert min(seconds) * 20_000 / lines < 0.1, f"{lines} series, {len(body)} bytes, {seconds} s"


@pytest.mark.parametrize(
    ("exemplars", "customer", "told"),
    [
        ("off", "ann", None),
        ("alert", "ann", {"alert_id": "f-1-firing"}),
        ("customer", "ann", {"alert_id": "f-1-firing", "customer": "ann"}),
        ("customer", "x" * 200, {"alert_id": "f-1-firing"}),
    ],
)
def test_friction_names_its_case_as_far_as_it_may(exemplars: str, customer: str, told: dict[str, str] | None) -> None:
    health = Instruments(exemplars)
    alert = replace(friction(customer), id="f-1-firing")
    health.folded(1, Folded(0, 0, alerts=[alert]))
    rendered = Exposition(health.registry, dict, ()).render(OPEN)[0].decode()
    families = {each.name: each for each in parse_open(rendered)}
    (sample,) = families["cx_friction"].samples
    assert (None if sample.exemplar is None else sample.exemplar.labels) == told


@pytest.mark.parametrize("version", ["abc", "1..0", "1.0.0-rc1", "²"])
@pytest.mark.parametrize("kind", ["application/openmetrics-text", "text/plain"])
def test_a_version_that_is_none_is_answered_as_text(kind: str, version: str) -> None:
    body, told = Exposition(Instruments().registry, dict, ()).render(f"{kind}; version={version}")
    assert told == "text/plain; version=0.0.4; charset=utf-8"
    assert list(parse_text(body.decode()))
