"""The shipped mappings against the batch truth of the same files, and their replay into a broker."""

import gzip
from collections import Counter, defaultdict
from datetime import date
from itertools import combinations

import cramjam
import msgspec
import pytest
from kafka import KafkaAdminClient, KafkaConsumer
from kafka.admin import NewTopic
from typer import Typer
from typer.testing import CliRunner

from agents.cli.replay import replay as command
from agents.cluster import Cluster
from agents.mappings import UnknownMappingError, find, names
from agents.replay import Progress, replay
from agents.sourcefile import ReplayError, opened
from agents.topics import TopicError
from schemas.survey import SurveyAnswered
from schemas.ticket import TicketAssigned, TicketClosed, TicketOpened, TicketReopened, TicketResolved
from schemas.union import AnyTouchpoint
from stream.mapping import parse
from tests.agents.oracle import airport, incidents, purchases

NOON_MS = 43_200_000
DAY_MS = 86_400_000
MAY_13_MS = 1_494_702_000_000

LINES = b"customer_id date number_of_cds dollar_value\n1 19970101 1 11.77\n2 19970102 x 0.00\n1 19970103 2 1.00\n"


def mapped(name, path):
    """Every event of a file; a row with a problem fails the test."""
    with opened(path) as source:
        found = list(parse(*find(name)).outcomes(source.lines()))
    assert [str(problem) for outcome in found for problem in outcome.problems] == []
    return [event for outcome in found for event in outcome.events]


def cut(events, by):
    """Events by the values of dimensions, without those that lack one."""
    groups = defaultdict(list)
    for event in events:
        key = tuple(getattr(event, name) for name in by)
        if None not in key:
            groups[key].append(event)
    return dict(groups)


def cuts(names):
    """The total, each dimension, and each pair."""
    return [by for size in range(3) for by in combinations(names, size)]


@pytest.fixture(scope="module")
def answers(shared_data):
    return mapped("airport-survey", shared_data("airport-survey-2017.csv"))


@pytest.fixture(scope="module")
def ticket_events(shared_data):
    return mapped("it-incidents", shared_data("it-incidents-2016.csv.gz"))


# The airport survey


def test_the_survey_has_the_published_totals(shared_data):
    path = shared_data("airport-survey-2017.csv")
    nps, csat = airport.nps(path)[()], airport.csat(path)[()]
    security = airport.ces(path, ("touchpoint",))["security",]
    assert (round(nps.score, 2), nps.n) == (39.84, 2746)
    assert (round(csat.mean, 3), csat.n) == (4.064, 2688)
    assert (round(security.mean, 3), security.n) == (4.307, 2407)


@pytest.mark.parametrize("by", cuts(airport.DIMENSIONS))
@pytest.mark.parametrize("interval", [(None, None), (MAY_13_MS, MAY_13_MS + 7 * DAY_MS)])
def test_every_segment_of_the_survey_equals_the_batch(answers, shared_data, by, interval):
    path, (start, end) = shared_data("airport-survey-2017.csv"), interval
    within = [a for a in answers if (start is None or a.time_ms >= start) and (end is None or a.time_ms < end)]
    scores = {
        kind: {k: Counter(a.score for a in v) for k, v in cut([a for a in within if a.kind == kind], by).items()}
        for kind in ("nps", "csat", "ces")
    }

    def tallied(kind, *groups):
        return {k: tuple(sum(c[s] for s in group) for group in groups) for k, c in scores[kind].items()}

    nps = airport.nps(path, by, start, end)
    csat = airport.csat(path, by, start, end)
    ces = airport.ces(path, by, start, end)
    assert {k: (v.promoters, v.passives, v.detractors) for k, v in nps.items()} == tallied(
        "nps", (9, 10), (7, 8), range(7)
    )
    assert {k: (v.n, v.satisfied) for k, v in csat.items()} == tallied("csat", range(1, 6), (4, 5))
    assert {k: tuple(v.distribution.values()) for k, v in ces.items()} == tallied("ces", *((s,) for s in range(1, 6)))


def test_a_passenger_answers_each_question_once(answers):
    assert len({answer.id for answer in answers}) == len(answers) == 12_843
    assert len({(answer.customer, answer.survey) for answer in answers}) == len(answers)
    assert {type(answer) for answer in answers} == {SurveyAnswered}


# The incidents


def test_changes_of_state_become_ticket_events(ticket_events):
    counted = Counter(event.__struct_config__.tag for event in ticket_events)
    assert counted == {
        "ticket.opened": 24_918, "ticket.assigned": 44_004, "ticket.pending": 7_156, "ticket.resolved": 25_255,
        "ticket.closed": 24_931, "ticket.reopened": 333,
    }  # fmt: skip
    assert len({event.id for event in ticket_events}) == len(ticket_events)


def test_a_ticket_stays_with_one_customer_and_begins_with_its_opening(ticket_events):
    customers = defaultdict(set)
    for event in ticket_events:
        assert event.ticket in customers or isinstance(event, TicketOpened)
        customers[event.ticket].add(event.customer)
    assert {len(found) for found in customers.values()} == {1}


@pytest.fixture(scope="module")
def lives(ticket_events):
    """A naive account of each ticket: opening event, resolution and reopenings, teams until then."""
    found: dict[str, dict] = {}
    for event in ticket_events:
        life = found.setdefault(event.ticket, {"opened": event, "at": None, "reopened": 0, "teams": set(), "until": 0})
        match event:
            case TicketAssigned():
                life["teams"].add(event.team)
            case TicketReopened():
                life |= {"at": None, "reopened": life["reopened"] + 1}
            case TicketResolved():
                life |= {"at": max(event.time_ms, life["at"] or 0), "until": len(life["teams"])}
            case TicketClosed() if life["at"] is None:
                life |= {"at": event.time_ms, "until": len(life["teams"])}
    return found


def test_each_ticket_equals_the_batch(lives, shared_data):
    truth = incidents.tickets(shared_data("it-incidents-2016.csv.gz"))
    assert len(truth) == 24_918
    for ticket in truth:
        life = lives.pop(ticket.number)
        opened = life["opened"]
        first = life["reopened"] == 0
        assert (ticket.resolved_ms, ticket.duration_ms) == (life["at"], life["at"] - opened.time_ms)
        assert (ticket.first_contact, ticket.strict) == (first, first and life["until"] <= 1)
        assert (ticket.channel, ticket.region, ticket.product, ticket.team) == (
            opened.channel, opened.region, opened.product, opened.team,
        )  # fmt: skip
    assert [number for number, life in lives.items() if life["at"] is not None] == []


@pytest.mark.parametrize("by", cuts(incidents.DIMENSIONS))
def test_the_batch_by_segment_adds_up_its_tickets(shared_data, by):
    path, start, end = shared_data("it-incidents-2016.csv.gz"), 1_459_468_800_000, 1_464_739_200_000
    groups = cut(incidents.tickets(path, start, end), by)
    found = incidents.resolutions(path, by, start, end)
    assert found.keys() == groups.keys()
    for key, tickets in groups.items():
        durations = sorted(t.duration_ms for t in tickets if t.duration_ms >= 0)
        was = found[key]
        assert (was.resolved, was.timed) == (len(tickets), len(durations))
        assert was.negative_durations == len(tickets) - len(durations)
        assert was.first_contact == sum(t.first_contact for t in tickets)
        assert was.strict == sum(t.strict for t in tickets)
        assert was.duration_ms == sum(durations)
        assert was.p90_ms == (durations[-(-90 * len(durations) // 100) - 1] if durations else None)


# The purchases


def test_purchases_equal_the_batch(shared_data):
    path = shared_data("cd-purchases-1997.txt.gz")
    events = mapped("cd-purchases", path)
    assert {event.time_ms % DAY_MS for event in events} == {NOON_MS}
    spans = [(None, None), (date(1997, 1, 1), date(1997, 2, 1)), (date(1998, 6, 1), date(1998, 7, 1))]
    for (first, last), expected in zip(spans, (23_570, 7_846, None), strict=True):
        days = [(d - date(1970, 1, 1)).days if d else None for d in (first, last)]
        within = [e for e in events if days[0] is None or days[0] <= e.time_ms // DAY_MS < days[1]]
        truth = purchases.activity(path, first, last)[()]
        assert truth.customers == len({e.customer for e in within})
        assert expected in (None, truth.customers)
        assert (truth.purchases, truth.cents, truth.items) == (
            len(within), sum(e.amount for e in within), sum(e.items for e in within),
        )  # fmt: skip


# Finding a mapping


def test_mappings_are_found_by_name_or_path(tmp_path):
    assert names() == ["airport-survey", "cd-purchases", "it-incidents"]
    own = tmp_path / "own.yaml"
    own.write_text("mine")
    assert find(str(own)) == ("mine", str(own))
    with pytest.raises(UnknownMappingError, match="airport-survey, cd-purchases, it-incidents"):
        find("airport")


# Replay


@pytest.mark.parametrize("packed", [bytes, gzip.compress, lambda data: bytes(cramjam.zstd.compress(data))])
def test_compression_is_recognised_by_its_first_bytes(tmp_path, packed):
    path = tmp_path / "file"
    path.write_bytes(packed(LINES))
    with opened(path) as source:
        assert "".join(source.lines()).encode() == LINES


def test_a_file_that_is_cut_off_says_so(tmp_path):
    path = tmp_path / "file.gz"
    path.write_bytes(gzip.compress(LINES * 1000)[:-20])
    with opened(path) as source, pytest.raises(ReplayError, match=r"file\.gz cannot be read"):
        list(source.lines())


def topic_on(broker, name):
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    admin.create_topics([NewTopic(name, 3, 1, topic_configs={"retention.ms": "-1"})])
    admin.close()
    return name


def records_of(broker, topic):
    consumer = KafkaConsumer(
        topic, bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=3_000
    )
    try:
        return list(consumer)
    finally:
        consumer.close()


def test_a_replay_puts_every_event_on_the_topic_and_counts_what_it_could_not(any_broker, tmp_path):
    path, topic = tmp_path / "purchases.txt", topic_on(any_broker, "replay-counts")
    path.write_bytes(LINES)
    reached: list[Progress] = []
    mapping = parse(*find("cd-purchases"))
    summary = replay(path, mapping, cluster=Cluster(any_broker.bootstrap), topic=topic, on_progress=reached.append)
    assert (summary.rows, summary.events, summary.problem_rows) == (3, {"purchase.completed": 2}, 1)
    assert summary.skipped == {"items: not a number": 1}
    assert summary.examples == ["row 2 (line 3), purchase.completed: items: not a number: 'x'"]
    assert (reached[-1].events, reached[-1].read_bytes, reached[-1].total_bytes) == (2, len(LINES), len(LINES))
    records = records_of(any_broker, topic)
    events = [msgspec.json.decode(record.value, type=AnyTouchpoint) for record in records]
    assert [(e.id, e.amount) for e in events] == [("cdnow-1", 1177), ("cdnow-3", 100)]
    assert [(r.key, r.timestamp) for r in records] == [(b"1", e.time_ms) for e in events]
    assert len({record.partition for record in records}) == 1


def test_a_mapping_may_ask_for_the_order_of_time(any_broker, tmp_path):
    path, topic = tmp_path / "rows.ndjson", topic_on(any_broker, "replay-order")
    path.write_text('{"t": 3}\n{"t": 1}\n{"t": 3}\n{"t": 2}\n')
    mapping = """
        input: {format: ndjson, order: time}
        events: [{type: account.created, id: "{$row}", time: {column: t, format: epoch_ms}, customer: a, channel: web}]
        """
    replay(path, parse(mapping), cluster=Cluster(any_broker.bootstrap), topic=topic)
    found = [msgspec.json.decode(record.value)["id"] for record in records_of(any_broker, topic)]
    assert found == ["2", "4", "1", "3"]


def test_a_missing_topic_is_named_with_its_remedy(any_broker, tmp_path):
    path = tmp_path / "purchases.txt"
    path.write_bytes(LINES)
    with pytest.raises(TopicError, match=r"no topic 'absent' at .*`cxstream topics`"):
        replay(path, parse(*find("cd-purchases")), cluster=Cluster(any_broker.bootstrap), topic="absent")


def test_the_command_reads_standard_input_and_prints_its_summary(any_broker):
    app = Typer()
    app.command()(command)
    args = ["-", "--mapping", "cd-purchases", "--topic", topic_on(any_broker, "replay-command"), "--json"]
    ran = CliRunner().invoke(app, [*args, "--bootstrap", any_broker.bootstrap, "--limit", "1"], input=LINES)
    assert ran.exit_code == 0, ran.output
    assert msgspec.json.decode(ran.stdout)["events"] == {"purchase.completed": 1}


def test_the_command_says_what_is_wrong_without_a_stack_trace():
    app = Typer()
    app.command()(command)
    ran = CliRunner().invoke(app, ["x.csv", "--mapping", "cd", "--bootstrap", "localhost:1"])
    assert ran.exit_code == 1
    assert ran.stderr.startswith("replay: no mapping 'cd'")
