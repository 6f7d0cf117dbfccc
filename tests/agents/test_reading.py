"""The commands that read: their numbers are those of SQL over the raw events, on every broker."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter, namedtuple
from itertools import islice
from typing import Any

import duckdb
import msgspec
import pytest
from kafka import KafkaProducer
from typer.testing import CliRunner

from agents import topics
from agents.cli import app
from agents.reader import printable, reading
from agents.settings import load
from agents.simulator import Population, disturb, encode, produce
from schemas.alert import Evidence, FrictionAlert, MetricAlert
from schemas.handover import Handover
from schemas.rejected import Reason, Rejected
from schemas.union import AnyTouchpoint
from stream.config import Config
from stream.decode import decode_one
from stream.errors import CxstreamError
from stream.slices import EARLIEST_MS
from tests.e2e.consume import consume
from tests.e2e.workers import deployment

START, START_MS = "2024-06-03T10:00:00Z", 1_717_408_800_000
MINUTES = 40
RULES = """rules:
  - {alert: Busy, metric: touchpoints, window: 1h, above: 0}
  - {alert: Quiet, metric: touchpoints, window: 1h, below: 0}
"""
SCORES = {
    "nps_score": ("nps", "100 * (count(*) FILTER (score >= 9) - count(*) FILTER (score <= 6)) / count(*)"),
    "csat_score": ("csat", "sum(score) / count(*)"),
    "csat_satisfied_ratio": ("csat", "count(*) FILTER (4 * (score - low) >= 3 * (high - low)) / count(*)"),
    "ces_score": ("ces", "sum(score) / count(*)"),
    "ces_easy_ratio": ("ces", "count(*) FILTER (score >= 5) / count(*)"),
}
Streamed = namedtuple("Streamed", "settings file sql events spoilt sent")


def run(*arguments):
    """What a command prints; its error is raised."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def read_json(command, streamed, *options):
    return json.loads(run(command, "--settings", streamed.file, "--format", "json", *options).stdout)


def reason_of(value):
    """Why a record must be rejected; None where it is sound."""
    outcome = decode_one(value, Config().max_record_bytes)
    if isinstance(outcome, tuple):
        return outcome[0].value
    assert not isinstance(outcome, Handover)
    too_early, too_late = outcome.time_ms < EARLIEST_MS, outcome.time_ms > START_MS + 3 * 365 * 86_400_000
    return "too_old" if too_early else "future" if too_late else None


@pytest.fixture(scope="module")
def streamed(any_broker, tmp_path_factory):
    """A simulated population with duplicates and malformed records, folded by a worker; and the clean events."""
    folder = tmp_path_factory.mktemp("reading")
    (folder / "rules.yaml").write_text(RULES)
    clean = [record.value or b"" for record in encode(Population(5, 400, START_MS, MINUTES * 60_000))]
    (folder / "events.ndjson").write_bytes(b"\n".join(clean))
    records = encode(Population(5, 400, START_MS, MINUTES * 60_000))
    dirty = list(disturb(records, seed=5, duplicates=0.03, malformed=0.05, shuffle=50))
    spoilt = Counter(reason for record in dirty if (reason := reason_of(record.value)) is not None)
    segments = [["channel"], ["channel", "region"]]
    options = {"segments": segments, "time_zone": "Europe/Oslo", "rules": "rules.yaml"}
    with deployment(any_broker.bootstrap, folder, 1, **options) as running:
        settings = running.settings
        produce(dirty, settings.cluster, settings.topic("touchpoints"))
        sql = duckdb.sql(f"SELECT * FROM read_ndjson('{folder}/events.ndjson', sample_size = -1, union_by_name = true)")
        decoder = msgspec.json.Decoder(AnyTouchpoint)
        found = Streamed(settings, running.file, sql, list(map(decoder.decode, clean)), spoilt, len(dirty))
        running.wait(lambda: read_status(found)["lag"] == 0 and read_json("alerts", found)["firing"], "all is read", 60)
        running.wait(lambda: not any(each["lag"] for each in read_status(found)["partitions"]), "no lag", 30)
        yield found


def read_status(streamed):
    return read_json("status", streamed)


def expected(streamed, start, end, by):
    """Value and samples by metric and segment, as SQL has them."""
    answers = streamed.sql.query(
        "events",
        """SELECT *, epoch_ms(time) AS happened, coalesce(scale.min, 1) AS low, coalesce(scale.max, 10) AS high
        FROM events WHERE type = 'survey.answered'
        QUALIFY row_number() OVER (PARTITION BY customer, survey, kind ORDER BY time DESC, id DESC) = 1""",
    )
    group = ", ".join(by)
    found: dict = {}
    for metric, (kind, formula) in SCORES.items():
        rows = answers.query(
            "answers",
            f"""SELECT ({formula})::DOUBLE, count(*) {group and ", " + group} FROM answers WHERE kind = '{kind}'
            AND happened >= '{start}'::TIMESTAMP AND happened < '{end}'::TIMESTAMP {group and f"GROUP BY {group}"}""",
        ).fetchall()
        found |= {(metric, tuple(zip(by, names, strict=True))): (value, n) for value, n, *names in rows if n}
    return found


def found_in(metrics):
    return {
        (metric["metric"], tuple(metric["segment"].items())): (metric["value"], metric["samples"])
        for metric in metrics
        if metric["value"] is not None
    }


@pytest.mark.parametrize("by", [(), ("channel",), ("channel", "region")])
@pytest.mark.parametrize(("start", "end"), [("10:00", "10:40"), ("10:07", "10:23"), ("10:11:10", "10:11:50")])
def test_surveys_over_a_range_are_what_sql_says(streamed, by, start, end):
    edges = (f"2024-06-03T{start}Z", f"2024-06-03T{end}Z")
    options = [f"--by={name}" for name in by] + [f"--metric={name}" for name in SCORES]
    metrics = read_json("metrics", streamed, "--from", edges[0], "--to", edges[1], *options)
    truth = expected(streamed, f"2024-06-03 {start}", f"2024-06-03 {end}", by)
    assert found_in(metrics) == truth
    assert truth


def test_one_segment_is_one_of_all(streamed):
    edges = ("--from", START, "--to", "2024-06-03T10:40Z")
    every = read_json("metrics", streamed, *edges, "--by", "channel")
    web = read_json("metrics", streamed, *edges, "--where", "channel=web")
    assert web == [metric for metric in every if metric["segment"] == {"channel": "web"}]
    regions = read_json("metrics", streamed, *edges, "--where", "channel=web", "--by", "region")
    assert {metric["segment"]["channel"] for metric in regions} == {"web"}
    assert len({metric["segment"]["region"] for metric in regions}) > 1


def test_active_customers_of_a_day_are_counted_once(streamed):
    active = {event.customer for event in streamed.events if event.by_customer}
    days = ("--from", "2024-06-01", "--to", "2024-06-05")
    (metric,) = read_json("metrics", streamed, *days, "--metric", "active_customers")
    assert (metric["value"], metric["samples"]) == (len(active), len(active))
    assert metric["window"] == "2024-06-01/2024-06-05"
    assert metric["start"] == START_MS - (2 * 24 + 12) * 3_600_000, "midnight in Oslo"


def test_windows_are_those_that_the_worker_publishes(streamed):
    windows = [f"--window={name}" for name in ("15m", "1h", "1d", "30d", "week", "month")]
    found = read_json("metrics", streamed, *windows, "--by", "channel")
    latest_ms = max(event.time_ms for event in streamed.events)
    assert {metric["as_of"] for metric in found} == {latest_ms}
    published = {}
    with reading(streamed.settings.cluster) as reader:
        for record in reader.read(streamed.settings.topic("metrics")):
            metric = json.loads(record.value or b"")
            published[metric["metric"], str(metric["segment"]), metric["window"], metric["start"]] = metric
    same = [
        (metric["value"], metric["samples"]) == (other["value"], other["samples"])
        for metric in found
        if (other := published.get((metric["metric"], str(metric["segment"]), metric["window"], metric["start"])))
    ]
    assert all(same)
    assert len(same) > 100


def test_windows_of_the_past_hold_what_came_before(streamed):
    (metric,) = read_json("metrics", streamed, "--window=15m", "--metric=touchpoints", "--as-of=2024-06-03T10:20Z")
    edges_ms = (START_MS + 5 * 60_000, START_MS + 20 * 60_000)
    assert (metric["start"], metric["end"], metric["as_of"]) == (*edges_ms, edges_ms[1])
    assert metric["value"] == sum(edges_ms[0] <= event.time_ms < edges_ms[1] for event in streamed.events)
    (day,) = read_json("metrics", streamed, "--window=day", "--metric=touchpoints", "--as-of=2024-06-03")
    assert day["value"] == len(streamed.events)


def test_no_data_is_null_and_a_dash_never_zero(streamed):
    options = ("--window=1h", "--metric=csat_score", "--where=channel=wbe")
    (metric,) = read_json("metrics", streamed, *options)
    assert (metric["value"], metric["samples"]) == (None, 0)
    result = run("metrics", "--settings", streamed.file, *options)
    assert ["wbe", "csat_score", "–", "0"] in [line.split() for line in result.stdout.splitlines()]
    assert "did you mean `web`?" in result.stderr


def test_the_table_is_for_people(streamed):
    shown = run("metrics", "--settings", streamed.file, "--window=1h", "--window=30d").stdout
    assert "csat_satisfied_ratio" in shown
    assert "%" in shown
    assert "1h: 2024-06-03T" in shown
    assert "+02:00" in shown


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--metric", "csat_scor"], "there is no metric `csat_scor`: did you mean `csat_score`?"),
        (["--metric", "nps"], "there is no metric `nps`: choose from abandonment_ratio, account_churn_ratio, "),
        (["--window", "2x"], "there is no window `2x`: choose from 15m, 1d, 1h, "),
        (["--by", "chanel"], "there is no dimension `chanel`: did you mean `channel`?"),
        (["--by", "region"], "region is not counted (`segments` in the settings); there are the total, channel,"),
        (["--where", "channel"], "--where `channel` is no dimension and value"),
        (["--where", "channel=a", "--where", "channel=b"], "--where names a dimension twice"),
        (["--from", "2024-06-03"], "a range needs both --from and --to"),
        (["--from", "2024-06-03", "--to", "2024-06-03"], "2024-06-03 is not before 2024-06-03"),
        (["--from", "now", "--to", "2024-06-03"], "`now` is no date or time"),
        (["--from", "2024-06-03", "--to", "2024-06-04", "--window", "1h"], "leave out --window"),
        (["--from", START, "--to", "2024-06-03T11:00Z", "--metric", "active_customers"], "needs whole days"),
        (["--window", "day", "--metric", "stickiness_ratio"], "needs 2 or more whole days"),
        (["--from", "2024-06-03T10:00:05Z", "--to", "2024-06-03T10:10Z"], "--from 2024-06-03T12:00:00+02:00 --to"),
        (["--window", "1h", "--as-of", "2024-05-03T10:00:00Z"], "the nearest that can be read is --from"),
    ],
)
def test_what_cannot_be_read_is_said_clearly(streamed, options, message):
    with pytest.raises(CxstreamError) as refusal:
        run("metrics", "--settings", streamed.file, *options)
    assert message in str(refusal.value)


def test_status_knows_how_far_each_partition_is(streamed, any_broker):
    status = read_status(streamed)
    touchpoints = [each for each in status["partitions"] if each["topic"].endswith(".touchpoints")]
    assert [each["partition"] for each in touchpoints] == [0, 1, 2, 3]
    assert [each["end"] for each in touchpoints] == [each["included"] for each in touchpoints]
    assert (status["touchpoints"], status["lag"]) == (streamed.sent, 0)
    latest_ms = max(event.time_ms for event in streamed.events)
    assert status["watermark"] == latest_ms == max(each["watermark"] for each in touchpoints)
    assert status["delay"] > 365 * 86_400_000
    if any_broker.name == "kafka":
        assert status["group_state"] == "Stable"
        assert [worker["partitions"][touchpoints[0]["topic"]] for worker in status["workers"]] == [4]
    else:
        assert (status["group_state"], status["workers"]) == (None, None)
    shown = run("status", "--settings", streamed.file).stdout
    assert f"{streamed.sent:,} touchpoint records, 0 not yet included" in shown


def test_rejected_records_are_counted_by_reason(streamed):
    found = read_json("rejected", streamed, "--last", 3)
    reasons = streamed.spoilt
    assert found["reasons"] == reasons
    assert len(reasons) > 10
    assert found["total"] == sum(reasons.values())
    assert len(found["records"]) == 3
    only = read_json("rejected", streamed, "--reason", "off_scale", "--last", 1000)
    assert only["reasons"] == {"off_scale": reasons["off_scale"]}
    assert {record["reason"] for record in only["records"]} == {"off_scale"}
    assert len({(record["partition"], record["offset"]) for record in only["records"]}) == reasons["off_scale"]


def test_alerts_tell_what_is_firing(streamed):
    firing = read_json("alerts", streamed, "--firing")["firing"]
    (alert,) = (each for each in firing if each["kind"] == "metric")
    assert (alert["alert"], alert["state"], alert["sequence"]) == ("Busy", "firing", 1)
    shown = run("alerts", "--settings", streamed.file).stdout
    assert f"{len(firing)} firing" in shown
    assert "> 0" in shown


def test_alerts_of_a_worker_are_cloud_events(streamed):
    alerts = list(consume(streamed.settings.bootstrap, streamed.settings.topic("alerts")))
    told = [{name: value.decode() for name, value in record.headers} for record in alerts]
    said = [json.loads(record.value) for record in alerts]
    assert {each["kind"] for each in said} == {"metric", "friction"}
    assert [each["ce_type"] for each in told] == [f"cxstream.alert.{each['state']}" for each in said]
    assert [each["ce_id"] for each in told] == [each["id"] for each in said]
    assert {each["ce_subject"].encode() for each in told} == {record.key for record in alerts}


@pytest.fixture
def empty(any_broker, tmp_path):
    """Settings of a deployment whose topics are there and empty."""
    name = tmp_path.name.replace("_", "-")
    settings = load(None, {}, bootstrap=any_broker.bootstrap, id=f"{name}-{any_broker.name}", prefix=f"{name}.")
    topics.ensure(settings)
    file = tmp_path / "settings.yaml"
    lines = (f"{key}: {getattr(settings, key)}" for key in ("bootstrap", "id", "prefix"))
    file.write_text("\n".join(lines))
    return Streamed(settings, file, None, [], Counter(), 0)


def put(settings, topic, *pairs):
    """Put records on a topic, each in a batch of its own."""
    producer = KafkaProducer(bootstrap_servers=settings.bootstrap, enable_idempotence=False)
    for key, value in pairs:
        producer.send(settings.topic(topic), value, key, partition=0).get(10)
    producer.close()


def put_batch(settings, topic, number):
    """Put so many records on a topic in one batch."""
    producer = KafkaProducer(bootstrap_servers=settings.bootstrap, enable_idempotence=False, linger_ms=500)
    for index in range(number):
        producer.send(settings.topic(topic), b"%d" % index, partition=index % 2)
    producer.flush()
    producer.close()


def test_empty_topics_end_and_read_nothing(empty):
    metrics = read_json("metrics", empty)
    assert {metric["value"] for metric in metrics} == {None}
    assert read_json("alerts", empty) == {"firing": [], "transitions": [], "open": []}
    assert read_json("rejected", empty) == {"total": 0, "reasons": {}, "records": []}
    status = read_status(empty)
    assert (status["touchpoints"], status["lag"], status["watermark"], status["delay"]) == (0, 0, None, None)
    assert "no touchpoint has been counted yet" in run("metrics", "--settings", empty.file).stderr


def test_lag_counts_every_record_of_the_last_batch(empty):
    put_batch(empty.settings, "touchpoints", 100)
    assert read_status(empty)["lag"] == 100


def test_a_topic_is_read_to_its_end_and_followed_from_there(empty):
    put_batch(empty.settings, "rejected", 0)
    put_batch(empty.settings, "touchpoints", 101)
    with reading(empty.settings.cluster) as reader:
        topic = empty.settings.topic("touchpoints")
        found = list(reader.read(topic))
        assert sorted(int(record.value or b"") for record in found) == list(range(101))
        assert [record.offset for record in found if record.partition == 1] == list(range(50))
        assert [record.partition for record in reader.read(topic, [1])] == [1] * 50
        assert sum(1 for _ in reader.read(topic)) == 101
        put(empty.settings, "touchpoints", (None, b"later"), (None, b"last"))
        assert [record.value for record in islice(reader.follow(), 2)] == [b"later", b"last"]


def alert(state="firing", sequence=1, at_ms=START_MS, fingerprint="f1", **changes):
    fields = {
        "id": f"{fingerprint}-{sequence}-{state}",
        "fingerprint": fingerprint,
        "alert": "LowCsat",
        "state": state,
        "severity": "warning",
        "labels": {"channel": "web\x1b[2J"},
        "metric": "csat_satisfied_ratio",
        "window": "1h",
        "condition": "below",
        "bound": 0.5,
        "value": 0.25,
        "samples": 20,
        "sequence": sequence,
        "since_ms": at_ms - 90_000,
        "at_ms": at_ms,
    }
    encoded = msgspec.json.encode(MetricAlert(**(fields | changes)))
    return fingerprint.encode(), encoded


def test_a_transition_that_was_sent_again_counts_once(empty):
    fired, resolved, again = alert(), alert("resolved", at_ms=START_MS + 1), alert(sequence=2, at_ms=START_MS + 2)
    put(empty.settings, "alerts", fired, fired, resolved, fired, again, resolved, alert(fingerprint="f2"))
    put(empty.settings, "alerts", (b"f1", b"no alert"), (b"f3", None), alert("resolved", fingerprint="f2"))
    found = read_json("alerts", empty)
    assert [each["id"] for each in found["firing"]] == ["f1-2-firing"]
    assert sorted(each["id"] for each in found["transitions"]) == [
        "f1-1-firing",
        "f1-1-resolved",
        "f1-2-firing",
        "f2-1-firing",
        "f2-1-resolved",
    ]
    assert [each["id"] for each in read_json("alerts", empty, "--last", 1)["transitions"]] == ["f1-2-firing"]
    result = run("alerts", "--settings", empty.file)
    assert "25.0 %" in result.stdout
    assert "1m 30s" in result.stdout
    assert "\x1b[2J" not in result.stdout
    assert "left out 1 records that are no alerts" in result.stderr


def test_friction_is_shown_with_whom_it_concerns_and_what_it_rests_on(empty, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    evidence = tuple(Evidence(id=f"e{n}", type="call.started", time_ms=START_MS, channel="phone") for n in range(5))
    said: dict[str, Any] = {"severity": "warning", "labels": {"region": "eu"}, "customer": "ann\x1b[2J"}
    said |= {"state": "firing"}
    said |= {"since_ms": START_MS, "at_ms": START_MS, "evidence": evidence, "sequence": 1}
    repeated: dict[str, Any] = {
        "id": "f-1-firing",
        "fingerprint": "f",
        "alert": "repeat_contact",
        "value": 5.0,
        "bound": 3.0,
    }
    hard: dict[str, Any] = {"id": "g-1-firing", "fingerprint": "g", "alert": "hard_answer", "value": 0.25, "bound": 0.5}
    hard |= {"about": "s-7", "due_ms": START_MS + 3_600_000}
    alerts = [
        FrictionAlert(**said, **repeated),
        FrictionAlert(**said, **hard),
    ]
    put(empty.settings, "alerts", *((each.fingerprint.encode(), msgspec.json.encode(each)) for each in alerts))
    shown = run("alerts", "--settings", empty.file).stdout
    assert "≥ 3 contacts" in shown
    assert "≤ 0.5 position" in shown
    assert "call.started e4 and 2 before" in shown
    assert "s-7" in shown
    assert "get in touch by" in shown
    assert "\x1b[2J" not in shown


@pytest.mark.parametrize("output", ["json", "table"])
def test_alerts_are_followed_until_ctrl_c(empty, output):
    put(empty.settings, "alerts", alert())
    command = [sys.executable, "-m", "agents.cli", "alerts", "-f", "--settings", str(empty.file), "--format", output]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": ""})
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline()]
        put(empty.settings, "alerts", alert(), alert("resolved"))
        lines.append(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == ""
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
    if output == "json":
        assert [json.loads(line)["id"] for line in lines] == ["f1-1-firing", "f1-1-resolved"]
    else:
        assert [state in line for state, line in zip(("firing", "resolved"), lines, strict=True)] == [True, True]


def test_a_rejection_that_was_sent_again_counts_once(empty):
    one = Rejected(reason=Reason.EMPTY, detail="[red]x\x1b[2J", topic="t", partition=0, offset=1, size=0, value="\x07")
    two = msgspec.structs.replace(one, offset=2)
    pairs = [(None, msgspec.json.encode(each)) for each in (one, one, two, one)]
    put(empty.settings, "rejected", *pairs, (None, b"{}"))
    found = read_json("rejected", empty)
    assert found["reasons"] == {"empty": 2}
    assert [record["offset"] for record in found["records"]] == [1, 2]
    shown = run("rejected", "--settings", empty.file, "--last", 1).stdout
    assert "t-0@2" in shown
    assert "t-0@1" not in shown
    assert "[red]x\\x1b[2J" in shown


@pytest.mark.parametrize("command", ["metrics", "alerts", "rejected", "status"])
def test_a_missing_topic_is_said_clearly(any_broker, command, monkeypatch):
    monkeypatch.setenv("CXSTREAM_PREFIX", "nowhere.")
    with pytest.raises(CxstreamError, match=r"there is no topic nowhere.* on this cluster: .* `cxstream topics`"):
        run(command, "--bootstrap", any_broker.bootstrap)


@pytest.mark.parametrize("command", ["metrics", "status"])
def test_a_broker_that_does_not_answer_is_said_clearly(command):
    with pytest.raises(CxstreamError, match=r"no Kafka broker answers at 127\.0\.0\.1:1 "):
        run(command, "--bootstrap", "127.0.0.1:1")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rejected", "--reason", "offscale"], "did you mean `off_scale`?"),
        (["alerts", "--firing", "--follow"], "give one of them"),
    ],
)
def test_options_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(CxstreamError) as refusal:
        run(*arguments)
    assert message in str(refusal.value)


def test_control_characters_are_escaped():
    assert printable("a\x1b[2Jå\n") == "a\\x1b[2Jå\\n"
