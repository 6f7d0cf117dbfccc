"""The simulator: the same seed gives the same world, and the truth about its incidents is exact."""

import json
from collections import Counter, defaultdict
from itertools import pairwise
from random import Random
from time import monotonic
from typing import get_args

import msgspec
import pytest
import typer
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import NewTopic
from typer.testing import CliRunner

from agents.cli.simulate import _start_ms, simulate
from agents.cluster import Cluster
from agents.simulator import (
    Incident,
    IncidentError,
    Kind,
    Population,
    ProduceError,
    Record,
    browse,
    disturb,
    encode,
    parse_incident,
    produce,
)
from agents.simulator.incident import CHANNELS
from agents.simulator.malformed import RECIPES
from agents.simulator.producing import Pace
from schemas.handover import Handover
from schemas.identity import CustomerIdentified
from schemas.rejected import Reason
from schemas.survey import DEFAULT_SCALES, SurveyAnswered
from schemas.union import AnyTouchpoint
from stream.config import Config
from stream.decode import decode_one
from stream.errors import CxstreamError

START_MS = 1_770_000_000_000
MINUTE_MS = 60_000
DECODER = msgspec.json.Decoder(AnyTouchpoint)


def population(seed=7, customers=500, minutes=20, rate=20.0, incidents=(), start_ms=START_MS):
    return Population(seed, customers, start_ms, minutes * MINUTE_MS, rate, incidents=incidents)


@pytest.fixture(scope="module")
def day():
    """An hour of the default population."""
    return list(Population(7, 2_000, START_MS, 60 * MINUTE_MS))


@pytest.fixture(scope="module")
def records():
    return list(encode(population()))


def satisfied(event):
    scale = event.scale or DEFAULT_SCALES[event.kind]
    return (event.score - scale.min) / (scale.max - scale.min) >= 0.75


def answers(events, kind="csat"):
    return [event for event in events if isinstance(event, SurveyAnswered) and event.kind == kind]


def share(events):
    return sum(map(satisfied, events)) / len(events)


def journey(event):
    return event.id.rpartition("-")[0]


def by_key(records):
    queues = defaultdict(list)
    for record in records:
        queues[record.key].append(record)
    return queues


# ---- generation


def test_the_same_seed_gives_identical_bytes(records):
    assert list(encode(population())) == records


def test_iterating_twice_gives_the_same_events():
    world = population(minutes=5)
    assert list(world) == list(world)


def test_another_seed_gives_other_events(records):
    other = list(encode(population(seed=8)))
    assert other != records
    assert not {record.value for record in other} & {record.value for record in records}


def test_a_longer_run_only_adds_to_the_end():
    short, long = list(population(minutes=5)), list(population(minutes=10))
    assert long[: len(short)] == short


def test_another_start_gives_other_ids():
    here, there = population(minutes=2), population(minutes=2, start_ms=START_MS + 1)
    assert not {event.id for event in here} & {event.id for event in there}


def test_every_type_of_touchpoint_occurs(day):
    """But for who is who: everybody has one id here."""
    assert {type(event) for event in day} == set(get_args(AnyTouchpoint)) - {CustomerIdentified}


def test_events_come_in_time_order_within_the_run(day):
    assert all(before.time_ms <= after.time_ms for before, after in pairwise(day))
    assert day[0].time_ms >= START_MS
    assert day[-1].time_ms < START_MS + 60 * MINUTE_MS


def test_each_journey_comes_in_the_order_in_which_it_was_played(day):
    last: dict[str, int] = {}
    for event in day:
        name, _, place = event.id.rpartition("-")
        assert int(place) == last.get(name, -1) + 1
        last[name] = int(place)


def test_event_ids_are_unique(day):
    assert len({event.id for event in day}) == len(day)


def test_every_event_survives_the_wire(day):
    for event, record in zip(day, encode(day), strict=True):
        assert DECODER.decode(record.value or b"") == event
        assert record.key == event.customer.encode()
        assert record.time_ms == event.time_ms


def test_tickets_belong_to_one_customer_and_are_opened_first(day):
    owners: dict[str, str] = {}
    opened = set()
    for event in day:
        if event.ticket is not None:
            assert owners.setdefault(event.ticket, event.customer) == event.customer
            tag = event.__struct_config__.tag
            if tag == "ticket.opened":
                assert event.ticket not in opened
                opened.add(event.ticket)
            else:
                assert event.ticket in opened, tag


def test_a_customer_keeps_segment_and_region(day):
    traits: dict[str, tuple] = {}
    for event in day:
        assert traits.setdefault(event.customer, (event.segment, event.region)) == (event.segment, event.region)


def test_the_rate_is_the_one_asked_for(day):
    assert len(day) / 3_600 == pytest.approx(20, rel=0.1)
    assert sum(1 for _ in population(rate=60.0)) / 1_200 == pytest.approx(60, rel=0.15)


def test_usual_satisfaction_recommendation_and_first_contact_resolution(day):
    assert share(answers(day)) == pytest.approx(0.8, abs=0.04)
    scores = [event.score for event in answers(day, "nps")]
    nps = 100 * (sum(score >= 9 for score in scores) - sum(score <= 6 for score in scores)) / len(scores)
    assert 25 <= nps <= 48
    assert first_contact_resolution(day) == pytest.approx(0.7, abs=0.06)


def first_contact_resolution(events):
    resolved, again, replied = set(), set(), set()
    sessions = defaultdict(set)
    for event in events:
        tag = event.__struct_config__.tag
        if tag == "ticket.resolved":
            resolved.add(event.ticket)
        elif tag == "ticket.reopened" or (tag == "ticket.replied" and event.author == "customer"):
            again.add(event.ticket)
        elif tag in {"chat.message", "call.answered", "call.ended"} and event.ticket and event.session:
            sessions[event.ticket].add(event.session)
        if tag == "ticket.replied" and event.author == "agent":
            replied.add(event.ticket)
    again |= {ticket for ticket, met in sessions.items() if len(met) > 1}
    return len(resolved - again) / len(resolved)


def test_people_wake_up_at_different_times():
    night_in_europe = 1_770_000_000_000 // 86_400_000 * 86_400_000 + 2 * 3_600_000
    regions = Counter(event.region for event in population(start_ms=night_in_europe, customers=2_000))
    afternoon = Counter(event.region for event in population(start_ms=night_in_europe + 43_200_000, customers=2_000))
    assert regions["eu"] / regions.total() < afternoon["eu"] / afternoon.total()


@pytest.mark.parametrize("arguments", [(1, 0, 0, 1), (1, 1, 0, 0), (1, 1, 0, 1, 0.0)])
def test_a_population_needs_people_time_and_a_rate(arguments):
    with pytest.raises(ValueError, match="need some customers"):
        Population(*arguments)


def test_one_customer_is_enough():
    assert {event.customer for event in population(customers=1, minutes=2)} == {"c000000"}


# ---- incidents

CELLS = [(kind, channel) for kind, channels in CHANNELS.items() for channel in channels]


@pytest.mark.parametrize(("kind", "channel"), CELLS)
def test_an_incident_moves_its_segment_and_window_and_nothing_else(day, kind, channel):
    incident = Incident(kind, START_MS + 20 * MINUTE_MS, START_MS + 30 * MINUTE_MS, {"channel": channel})
    events = list(Population(7, 2_000, START_MS, 60 * MINUTE_MS, incidents=[incident]))
    inside = [e for e in events if e.channel == channel and incident.start_ms <= e.time_ms < incident.end_ms]
    assert share(answers(inside)) < 0.15
    assert len(answers(inside)) > 100
    assert sum(e.score <= (4 if e.scale is None else 2) for e in answers(inside)) > 0.9 * len(answers(inside))
    assert sum(e.score <= 3 for e in answers(inside, "ces")) > 0.9 * len(answers(inside, "ces"))

    before = [e for e in events if e.time_ms < incident.start_ms]
    assert before == [e for e in day if e.time_ms < incident.start_ms]
    calm_ms = incident.end_ms + 5 * MINUTE_MS  # those who were queueing when it ended still have their say
    after = [e for e in events if e.channel == channel and e.time_ms >= calm_ms]
    assert share(answers(after)) > 0.65
    elsewhere = [e for e in events if e.channel != channel and e.time_ms >= incident.start_ms]
    assert share(answers(elsewhere)) > 0.74


def test_an_incident_leaves_every_other_journey_as_it_was(day):
    incident = parse_incident("broken_checkout@20+10:region=eu,segment=regular", START_MS)
    events = list(Population(7, 2_000, START_MS, 60 * MINUTE_MS, incidents=[incident]))
    usual, spoilt = defaultdict(list), defaultdict(list)
    for event in day:
        usual[journey(event)].append(event)
    for event in events:
        spoilt[journey(event)].append(event)
    for name, played in spoilt.items():
        if usual.get(name) != played:
            assert {(e.region, e.segment) for e in played} == {("eu", "regular")}
            assert any(incident.start_ms <= e.time_ms < incident.end_ms and e.channel == "web" for e in played)
    assert not usual.keys() - spoilt.keys()


def test_csat_breaks_within_minutes_and_recovers():
    incident = Incident(Kind.BROKEN_CHECKOUT, START_MS + 20 * MINUTE_MS, START_MS + 30 * MINUTE_MS)
    events = Population(3, 2_000, START_MS, 60 * MINUTE_MS, incidents=[incident])
    web = [event for event in answers(events) if event.channel == "web"]

    def window(minute, length):
        end_ms = START_MS + minute * MINUTE_MS
        return share([event for event in web if end_ms - length * MINUTE_MS <= event.time_ms < end_ms])

    assert window(20, 5) > 0.65
    assert window(23, 5) < 0.5
    assert window(24, 15) < 0.6
    assert window(37, 5) > 0.65
    assert window(47, 15) > 0.65


def test_a_bad_release_makes_detractors_and_crashes():
    incident = Incident(Kind.BAD_RELEASE, START_MS + 5 * MINUTE_MS, START_MS + 15 * MINUTE_MS)
    events = [e for e in population(incidents=[incident]) if e.channel == "app"]
    inside = [e for e in events if incident.start_ms <= e.time_ms < incident.end_ms]
    scores = [event.score for event in answers(inside, "nps")]
    assert sum(score <= 6 for score in scores) / len(scores) > 0.8
    crashes = Counter(e in inside for e in events if getattr(e, "crash", False))
    assert crashes[True] > 10 * crashes[False]


def test_slow_support_makes_people_wait():
    incident = Incident(Kind.SLOW_SUPPORT, START_MS, START_MS + 20 * MINUTE_MS, {"channel": "phone"})

    def abandoned(world):
        ended = [e for e in world if e.__struct_config__.tag == "call.ended"]
        return sum(e.abandoned for e in ended) / len(ended)

    assert abandoned(population()) < 0.1
    assert abandoned(population(incidents=[incident])) > 0.4


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("broken_checkout", "is not KIND@MINUTE"),
        ("earthquake@1+1", "no incident 'earthquake'"),
        ("broken_checkout@1+0", "not after its start"),
        ("broken_checkout@1+1:channel=phone", "channel cannot be 'phone'"),
        ("broken_checkout@1+1:planet=mars", "no dimension 'planet'"),
        ("broken_checkout@1+1:region", "is not DIMENSION=VALUE"),
    ],
)
def test_an_impossible_incident_is_refused(text, complaint):
    with pytest.raises(IncidentError, match=complaint):
        parse_incident(text, START_MS)


def test_an_incident_that_concerns_nobody_is_refused():
    lonely = population(customers=1).customers[0]
    other = next(name for name in ("new", "vip") if name != lonely.persona.name)
    with pytest.raises(IncidentError, match="none of 1 customers"):
        population(customers=1, incidents=[Incident(Kind.BAD_RELEASE, START_MS, START_MS + 1, {"segment": other})])


def test_an_incident_outside_the_run_is_refused():
    with pytest.raises(IncidentError, match="outside the run"):
        population(minutes=20, incidents=[parse_incident("bad_release@20+5", START_MS)])


# ---- disturbances


def test_undisturbed_records_pass_as_they_are(records):
    assert list(disturb(records, seed=1)) == records


def test_disturbances_are_the_same_for_the_same_seed(records):
    def disturbed(seed):
        return list(disturb(records, seed=seed, duplicates=0.05, malformed=0.02, shuffle=100))

    assert disturbed(1) == disturbed(1)
    assert disturbed(1) != disturbed(2)


def test_duplicates_are_counted_and_come_after_their_originals(records):
    report: Counter[str] = Counter()
    out = list(disturb(records, seed=1, duplicates=0.1, report=report))
    assert len(out) - len(records) == report["duplicate"] == pytest.approx(0.1 * len(records), rel=0.15)
    assert list(dict.fromkeys(out)) == records


def test_every_kind_of_malformed_record_is_injected_and_counted(records):
    report: Counter[str] = Counter()
    out = list(disturb(records, seed=1, malformed=0.01, report=report))
    assert set(report) == {str(reason) for reason in RECIPES}
    assert len(out) - len(records) == report.total()
    assert not Counter(records) - Counter(out)


def test_a_malformed_record_is_rejected_for_the_reason_that_was_reported(records):
    report: Counter[str] = Counter()
    met: Counter[str] = Counter()
    sound = set(records)
    for record in disturb(records, seed=1, malformed=0.05, report=report):
        if record not in sound:
            met[str(reason_met(record))] += 1
    assert met == report


def reason_met(record):
    outcome = decode_one(record.value, max_bytes=Config().max_record_bytes)
    if isinstance(outcome, tuple):
        return outcome[0]
    assert not isinstance(outcome, Handover)
    return Reason.TOO_OLD if outcome.time_ms < 631_152_000_000 else Reason.FUTURE


def test_a_shuffle_keeps_the_order_of_each_customer_and_the_window(records):
    report: Counter[str] = Counter()
    out = list(disturb(records, seed=1, shuffle=200, report=report))
    assert out != records
    assert sum(now is not before for now, before in zip(out, records, strict=True)) == report["shuffled"]
    assert by_key(out) == by_key(records)
    place = {id(record): n for n, record in enumerate(records)}
    assert max(abs(place[id(record)] - n) for n, record in enumerate(out)) < 200


def test_all_disturbances_together_keep_the_order_of_each_customer(records):
    report: Counter[str] = Counter()
    out = list(disturb(records, seed=1, duplicates=0.05, malformed=0.05, shuffle=50, report=report))
    sound = set(records)
    assert by_key(dict.fromkeys(record for record in out if record in sound)) == by_key(records)
    assert len(out) == len(records) + report.total() - report["shuffled"]


@pytest.mark.parametrize("wrong", [{"duplicates": 1.5}, {"malformed": -0.1}, {"shuffle": -1}])
def test_a_senseless_disturbance_is_refused(records, wrong):
    with pytest.raises(ValueError, match="rates are in"):
        disturb(records, seed=1, **wrong)


def test_recipes_are_named_by_the_reasons_of_rejection():
    assert set(RECIPES) == set(Reason) - {Reason.UNKNOWN_COMPRESSION, Reason.LATE, Reason.FOLD_ERROR}


# ---- producing and the command


def test_pace_keeps_event_time_in_step_with_the_wall():
    now, rests = [0.0], []

    def rest(seconds):
        rests.append(seconds)
        now[0] += seconds

    pace = Pace(60.0, clock=lambda: now[0], rest=rest)
    for time_ms in range(0, 600_000, 1_000):
        pace.keep(time_ms)
    assert now[0] == pytest.approx(10, abs=0.06)
    assert max(rests) < 0.1


def test_without_a_speed_nothing_rests():
    assert not Pace(None).keep(10**12)


def test_a_speed_must_be_positive():
    with pytest.raises(ValueError, match="speed must be above 0"):
        Pace(0.0)


def test_an_unreachable_broker_is_a_clear_error():
    with pytest.raises(CxstreamError, match=r"no Kafka broker answers at 127\.0\.0\.1:1"):
        produce([Record(b"c", b"{}", START_MS)], Cluster("127.0.0.1:1"), "touchpoints")


def topic_on(broker, name, **config):
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    admin.create_topics([NewTopic(name, 4, 1, topic_configs={"retention.ms": "-1", **config})])
    admin.close()
    return name


def consumed(broker, topic, count):
    """Everything on the topic, in order within each partition; tells of a record too many as well."""
    consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest", group_id=None)
    consumer.assign([TopicPartition(topic, partition) for partition in range(4)])
    found: list[Record] = []
    deadline = monotonic() + 30
    while len(found) < count and monotonic() < deadline:
        for messages in consumer.poll(500).values():
            found += [Record(message.key, message.value, message.timestamp) for message in messages]
    consumer.close()
    return found


def test_every_record_reaches_the_broker_as_it_was(any_broker, records):
    topic = topic_on(any_broker, "simulated")
    sent = list(disturb(records[:5_000], seed=1, duplicates=0.02, malformed=0.02, shuffle=20))
    reached = []
    assert produce(sent, Cluster(any_broker.bootstrap), topic, on_progress=lambda *at: reached.append(at)) == len(sent)
    assert reached[-1] == (len(sent), sent[-1].time_ms)
    found = consumed(any_broker, topic, len(sent))
    assert by_key(found) == by_key(sent)


def test_a_missing_topic_is_a_clear_error_and_is_not_created(any_broker, records):
    for _ in range(2):
        with pytest.raises(CxstreamError, match="no topic 'nowhere' at"):
            produce(records[:1], Cluster(any_broker.bootstrap), "nowhere")


def test_a_record_that_the_broker_refuses_is_reported(kafka):
    topic = topic_on(kafka, "simulated-refused", **{"max.message.bytes": "100000"})
    noise = Random(1).randbytes(2_000_000)
    with pytest.raises(ProduceError, match=r"1 of 2 records were not delivered to 'simulated-refused'.*TooLarge"):
        produce([Record(b"c", b"{}", START_MS), Record(b"d", noise, START_MS)], Cluster(kafka.bootstrap), topic)


@pytest.fixture
def command():
    app = typer.Typer()
    app.command()(simulate)

    def run(*arguments):
        return CliRunner().invoke(app, list(arguments))

    return run


def test_the_command_writes_a_file_and_tells_the_truth(command, tmp_path):
    out = tmp_path / "events.ndjson"
    common = ("--customers", "300", "--minutes", "10", "--start", "2026-03-01T12:00", "--out", str(out), "--json")
    result = command(*common, "--incident", "bad_release@2+3:region=eu", "--duplicates", "0.05", "--shuffle", "20")
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    lines = out.read_bytes().splitlines()
    assert len(lines) == summary["records"] == summary["events"] + summary["injected"]["duplicate"]
    assert summary["incidents"] == [
        {
            "kind": "bad_release",
            "start": "2026-03-01T12:02:00+00:00",
            "end": "2026-03-01T12:05:00+00:00",
            "where": {"channel": "app", "region": "eu"},
        }
    ]
    assert all(DECODER.decode(line) for line in lines)


def test_the_command_explains_what_it_refuses(command):
    result = command("--incident", "earthquake@1+1")
    assert result.exit_code == 2
    assert "no incident 'earthquake'" in result.stderr
    assert command("--out", "events.ndjson", "--speed", "60").exit_code == 2


@pytest.mark.parametrize(("speed", "begins_minutes_ago"), [(None, 60), (1.0, 0), (60.0, 59), (0.5, 0)])
def test_a_stream_from_now_never_runs_ahead_of_the_wall(monkeypatch, speed, begins_minutes_ago):
    monkeypatch.setattr("agents.cli.simulate.time", lambda: START_MS / 1000)
    assert _start_ms("now", 60, speed) == START_MS - begins_minutes_ago * MINUTE_MS


def test_who_browses_under_another_id_signs_in_before_it_matters(day):
    browsed = list(browse(day, 7, 0.5))
    assert browsed == list(browse(day, 7, 0.5))
    said = [event for event in browsed if isinstance(event, CustomerIdentified)]
    whose = {event.previous: event.customer for event in said}
    assert len(said) == len(whose) > 100
    as_one = [event for event in browsed if not isinstance(event, CustomerIdentified)]
    assert [event.id for event in as_one] == [event.id for event in day]
    signed_in = {event.customer: event.time_ms for event in said}
    for event, plain in zip(as_one, day, strict=True):
        assert event.customer in (plain.customer, f"browser-{plain.customer}")
        if event.customer != plain.customer and plain.customer in signed_in:
            assert event.time_ms <= signed_in[plain.customer]
    assert list(browse(day, 7, 0)) == day
