"""The commands about journeys: what they show is what a walk through the raw events comes to, and SQL over them."""

import csv
import json
from collections import Counter, namedtuple
from datetime import date, timedelta
from fractions import Fraction
from random import Random

import duckdb
import pytest
from typer.testing import CliRunner

from agents.cli import app
from agents.settings import load
from agents.simulator import Population, Record, encode
from tests.e2e.consume import consume
from tests.e2e.traffic import send
from tests.e2e.workers import deployment
from tests.laws import oracle, personas, promises, travels

START_MS, DAYS = 1_717_372_800_000, 100  # Monday, 2024-06-03 UTC
RANGE = ("--from", "2024-06-03", "--to", "2024-09-12")
PERSONAS = [
    {"name": "gone", "when": {"inactive_days": 20}},
    {"name": "buyer", "when": {"purchases": {"at_least": 1, "days": 30}}},
    {"name": "guest"},
]
RULES: list[personas.Rule] = [("gone", [("inactive", 20)]), ("buyer", [("purchases", 30, 1, None)]), ("guest", [])]
SEGMENTS = [["channel"], ["region"], ["touchpoint"], ["channel", "touchpoint"], ["persona"]]
Travelled = namedtuple("Travelled", "file events turns sql")


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def read_json(travelled, command, *options):
    result = run(command, *options, "--settings", travelled.file, "--format", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def travelled(embedded, tmp_path_factory):
    """A population that is heard of now and then, so that some lapse and some come back; some tickets stay open."""
    folder = tmp_path_factory.mktemp("travelling")
    people = encode(Population(9, 250, START_MS, DAYS * 86_400_000, 0.0006))
    records = sorted([*people, *slow_desk()], key=lambda record: record.time_ms)
    (folder / "events.ndjson").write_bytes(b"\n".join(record.value or b"" for record in records))
    events = [json.loads(record.value or b"") for record in records]
    last = max(event["time"] for event in events)
    turns = travels.all_turns(events, oracle.by_customer, lambda _: last)
    sql = duckdb.sql(f"SELECT * FROM read_ndjson('{folder}/events.ndjson', sample_size = -1, union_by_name = true)")
    given = {"segments": SEGMENTS, "personas": PERSONAS}
    with deployment(embedded.bootstrap, folder, 1, partitions=1, **given) as running:
        running.wait_until_read(send(running, records))
        yield Travelled(running.file, events, turns, sql)


def slow_desk():
    """Tickets of which some take days, some are reopened, and some are never resolved."""
    random = Random(9)
    for number in range(80):
        time = START_MS + random.randrange((DAYS - 5) * 86_400_000)
        kinds = ["opened", "resolved", "reopened", "resolved"][: random.choice((1, 2, 2, 2, 3, 4))]
        for at, kind in enumerate(kinds):
            customer, region = f"desk-{number}", random.choice(("eu", "us"))
            event = {"id": f"{customer}-{at}", "customer": customer, "ticket": "t", "channel": "email"}
            event |= {"type": f"ticket.{kind}", "region": region}
            yield Record(customer.encode(), json.dumps({**event, "time": time}).encode(), time)
            time += random.randrange(20 * 86_400_000)
            if time >= START_MS + DAYS * 86_400_000:
                break


def moves(turns):
    return Counter(turn.what[1:3] for turn in turns if turn.what[0] == "moved")


@pytest.mark.parametrize("region", [None, "eu"])
def test_the_funnel_is_that_of_a_walk_through_the_events(travelled, region):
    where = [] if region is None else ["--where", f"region={region}"]
    found = read_json(travelled, "funnel", *RANGE, *where)
    told = moves(turn for turn in travelled.turns if region is None or turn.of.get("region") == region)
    stages = travels.ORDER
    assert sum(told[stage, "lapsed"] for stage in stages) > 20
    for at, stage in enumerate(found["stages"]):
        name, later = stages[at], stages[at:]
        assert stage["stage"] == name
        reached = sum(told[before, to] for before in ("none", *stages[:at]) for to in later)
        assert stage["reached"] == reached
        assert stage["lapsed"] == told[name, "lapsed"]
        assert stage["went_on"] == sum(told[name, to] for to in later)
        came = sum(number for (_, to), number in told.items() if to == name)
        assert stage["now"] == came - sum(number for (before, _), number in told.items() if before == name)
        if at + 1 < len(stages):
            on = sum(told[before, to] for before in ("none", *later[:1], *stages[:at]) for to in later[1:])
            assert stage["conversion"] == (on / reached if reached else None)
    lapsed, back = (sum(n for pair, n in told.items() if pair[side] == "lapsed") for side in (1, 0))
    assert found["lapsed_now"] == lapsed - back > 0


def test_handoffs_are_those_of_a_walk_through_the_events(travelled):
    found = read_json(travelled, "paths", *RANGE)
    told = Counter(turn.what[1:3] for turn in travelled.turns if turn.what[0] == "handoff")
    assert {(each["from"], each["to"]): each["handoffs"] for each in found["handoffs"]} == told


def test_paths_are_the_channels_before_the_first_purchase_of_each_journey(travelled):
    customers: dict = {}
    for event in travelled.events:
        if travels.is_step(event, oracle.by_customer(event)):
            customers.setdefault(event["customer"], []).append(event)
    told: Counter = Counter()
    for steps in customers.values():
        path: list[str] = []
        bought, last = False, None
        for event in steps:
            if last is None or event["time"] - last >= 30 * travels.DAY:
                path, bought = [], False
            last = event["time"]
            if path[-1:] != [event["channel"]]:
                path.append(event["channel"])
            if event["type"] in ("purchase.completed", "account.converted") and not bought:
                told[tuple(path[-5:])] += 1
                bought = True
    found = read_json(travelled, "paths", *RANGE, "--top", 1000)
    assert {tuple(each["channels"]): each["purchases"] for each in found["paths"]} == told
    assert found["purchases"] == told.total() > 50


def test_the_topic_tells_of_each_move_and_handoff(travelled):
    settings = load(travelled.file, environment={})
    told = [json.loads(each.value) for each in consume(settings.bootstrap, settings.topic("journeys"))]
    by_id = {each["id"]: each for each in told}
    assert all(each["customer"] == each["id"].split("/")[0] for each in told)
    moved = {
        (each["customer"], each["time"], each.get("from_stage", "none"), each["stage"], each.get("after_ms"))
        for each in by_id.values()
        if "stage" in each
    }
    truth = [turn for turn in travelled.turns if turn.what[0] == "moved"]
    assert moved == {(turn.of["customer"], turn.time, *turn.what[1:]) for turn in truth}
    handed = {(each["customer"], each["time"], each["from_channel"]) for each in told if "from_channel" in each}
    truth = [turn for turn in travelled.turns if turn.what[0] == "handoff"]
    assert handed == {(turn.of["customer"], turn.time, turn.what[1]) for turn in truth}


@pytest.mark.parametrize("unit", ["week", "month"])
def test_cohorts_are_what_sql_says(travelled, unit):
    active = ", ".join(f"'{event['id']}'" for event in travelled.events if oracle.by_customer(event))
    rows = travelled.sql.query(
        "events",
        f"""WITH periods AS (
            SELECT DISTINCT customer, date_trunc('{unit}', epoch_ms(time)) AS period FROM events WHERE id IN ({active})
        ), ages AS (
            SELECT min(period) OVER (PARTITION BY customer) AS cohort, period FROM periods
        )
        SELECT cohort::DATE, date_diff('{unit}', cohort, period) AS age, count(*) FROM ages GROUP BY ALL""",
    ).fetchall()
    told: dict = {}
    for cohort, age, number in rows:
        told.setdefault(cohort.isoformat(), {})[age] = number
    found = read_json(travelled, "cohorts", "--by", unit, "--from", "2024-06-03")
    assert {row["cohort"]: {age: n for age, n in enumerate(row["active"]) if n} for row in found["cohorts"]} == told
    assert len(told) > 2


STANDING = """SELECT * FROM events WHERE type = 'survey.answered'
    QUALIFY row_number() OVER (PARTITION BY customer, survey, kind ORDER BY time DESC, id DESC) = 1"""
PLACE = """(score - coalesce(scale.min, 1))
    / (coalesce(scale.max, CASE kind WHEN 'ces' THEN 7 ELSE 10 END) - coalesce(scale.min, 1))"""


@pytest.mark.parametrize("channel", [None, "web"])
def test_success_effort_and_feeling_of_each_touchpoint_are_what_sql_says(travelled, channel):
    inside = "touchpoint IS NOT NULL" if channel is None else f"touchpoint IS NOT NULL AND channel = '{channel}'"
    rows = travelled.sql.query(
        "events",
        f"""WITH standing AS ({STANDING}), felt AS (SELECT *, {PLACE} AS place FROM standing)
        SELECT touchpoint,
            (SELECT count(*) FROM events AS e WHERE e.touchpoint = t.touchpoint AND type = 'goal.tried' AND {inside}),
            (SELECT count(*) FROM events AS e WHERE e.touchpoint = t.touchpoint AND type = 'goal.reached' AND {inside}),
            count(*) FILTER (kind = 'ces'), avg(score) FILTER (kind = 'ces'),
            count(*) FILTER (kind = 'ces' AND place >= 2 / 3 - 1e-9),
            count(*) FILTER (kind = 'csat'), avg(1 + 9 * place) FILTER (kind = 'csat'),
            count(*) FILTER (kind = 'csat' AND place >= 3 / 4)
        FROM (SELECT DISTINCT touchpoint FROM events WHERE {inside}) AS t
        LEFT JOIN (SELECT * FROM felt WHERE {inside}) AS f USING (touchpoint) GROUP BY touchpoint""",
    ).fetchall()
    told = {}
    for touchpoint, tried, reached, ces, effort, easy, csat, feeling, satisfied in rows:
        if tried or ces or csat:
            told[touchpoint] = {
                "tasks_tried": tried,
                "goal_success_rate": reached / tried if tried else None,
                "ces_answers": ces,
                "ces_score": effort and pytest.approx(effort),
                "ces_easy_ratio": easy / ces if ces else None,
                "csat_answers": csat,
                "csat_normalized_score": feeling and pytest.approx(feeling),
                "csat_satisfied_ratio": satisfied / csat if csat else None,
            }
    where = [] if channel is None else ["--where", f"channel={channel}"]
    found = read_json(travelled, "experience", *RANGE, *where)
    assert {row.pop("touchpoint"): row for row in found["touchpoints"]} == told
    assert told["checkout"]["tasks_tried"] > 50
    assert len(told) > (1 if channel else 3)
    listed = run("experience", *RANGE, *where, "--settings", travelled.file, "--format", "csv").stdout
    lines = list(csv.DictReader(listed.splitlines()))
    assert {line.pop("touchpoint"): line for line in lines} == {
        row.pop("touchpoint"): {name: written(value) for name, value in row.items()}
        for row in read_json(travelled, "experience", *RANGE, *where)["touchpoints"]
    }


def written(value):
    return "" if value is None else f"{value:.12g}"


def test_what_to_set_is_said_where_touchpoints_are_not_told_apart(travelled):
    refused = run("experience", "--where", "region=eu", "--settings", travelled.file)
    assert "add [region, touchpoint] to `segments` in the settings" in str(refused.exception)
    malformed = run("experience", "--where", "region", "--settings", travelled.file)
    assert "--where `region` is no dimension and value" in str(malformed.exception)


def test_reasons_are_what_sql_says(travelled):
    groups = f"""CASE kind
        WHEN 'nps' THEN CASE WHEN score >= 9 THEN 'promoter' WHEN score >= 7 THEN 'passive' ELSE 'detractor' END
        WHEN 'csat' THEN CASE WHEN {PLACE} >= 3 / 4 THEN 'satisfied' ELSE 'dissatisfied' END
        ELSE CASE WHEN {PLACE} >= 2 / 3 - 1e-9 THEN 'easy' WHEN {PLACE} <= 1 / 3 + 1e-9 THEN 'hard' ELSE 'neutral' END
    END"""
    rows = travelled.sql.query(
        "events",
        f"""WITH standing AS ({STANDING}),
        given AS (SELECT kind || ' ' || {groups} AS felt, unnest(list_distinct(reasons)) AS reason FROM standing)
        SELECT felt, reason, count(*) FROM given GROUP BY ALL""",
    ).fetchall()
    told: dict = {}
    for group, reason, number in rows:
        told.setdefault(group, {})[reason] = number
    (found,) = read_json(travelled, "metrics", *RANGE, "--metric", "reasons_given_ratio")
    assert found["distribution"] == told
    assert len(told) == 8


def test_accounts_and_the_backlog_of_each_week_are_those_of_a_walk_through_the_events(travelled):
    asked = ("accounts", "account_retention_ratio", "account_churn_ratio", "backlog_tickets")
    options = [option for name in asked for option in ("--metric", name)]
    for week in range(0, DAYS - 7, 7):
        day = date(2024, 6, 3) + timedelta(days=week)
        edges = ("--from", day, "--to", day + timedelta(days=7))
        found = {each["metric"]: each for each in read_json(travelled, "metrics", *edges, *options)}
        start = START_MS + week * travels.DAY
        told = oracle.stocks(travelled.events, start, start + 7 * travels.DAY)
        assert {name: each["samples"] for name, each in found.items() if each["samples"]} == {
            name: samples for name, (_, samples) in told.items()
        }
        assert all(found[name]["value"] == float(value) for name, (value, _) in told.items())
    assert told["accounts"][0] > 5
    assert told["backlog_tickets"][1] > 20


@pytest.mark.parametrize("region", [None, "eu"])
@pytest.mark.parametrize("at", ["2024-06-12", "2024-08-01", None])
def test_the_backlog_is_that_of_a_walk_through_the_events(travelled, at, region):
    where = [] if region is None else ["--where", f"region={region}"]
    days = [] if at is None else ["--at", at]
    found = read_json(travelled, "backlog", *days, *where)
    last = oracle.day(max(event["time"] for event in travelled.events), "UTC")
    day = last if at is None else date.fromisoformat(at)
    told = promises.backlog(travelled.events, day, lambda event: region in (None, event.get("region")), "UTC")
    ordered = sorted(age for age, number in told.items() for _ in range(number))
    assert (found["at"], found["open"]) == (day.isoformat(), len(ordered))
    assert len(ordered) > 0
    assert found["oldest_days"] == ordered[-1]
    for name, q in (("p50_days", Fraction(1, 2)), ("p90_days", Fraction(9, 10))):
        assert found[name] == oracle.quantile(ordered, q)
    for part in found["ages"]:
        until = part["to_days"] if part["to_days"] is not None else ordered[-1]
        assert part["tickets"] == sum(part["from_days"] <= age <= until for age in ordered)
    shown = run("backlog", *days, *where, "--settings", travelled.file, "--format", "csv").stdout
    lines = [line.split(",") for line in shown.splitlines()]
    assert lines[0] == ["opened", "age_days", "tickets"]
    assert {int(age): int(number) for _, age, number in lines[1:]} == told
    assert all(date.fromisoformat(opened) + timedelta(days=int(age)) == day for opened, age, _ in lines[1:])


def test_the_backlog_is_the_tickets_opened_and_not_resolved_of_sql(travelled):
    rows = travelled.sql.query(
        "events",
        """SELECT count(*) FROM (
            SELECT customer, ticket, max(time) FILTER (type = 'ticket.reopened') AS reopened,
                max(time) FILTER (type IN ('ticket.resolved', 'ticket.closed')) AS over
            FROM events WHERE ticket IS NOT NULL GROUP BY ALL
            HAVING count(*) FILTER (type = 'ticket.merged') = 0 AND count(*) FILTER (type = 'ticket.opened') > 0
        ) WHERE over IS NULL OR reopened > over""",
    ).fetchall()
    assert read_json(travelled, "backlog")["open"] == rows[0][0]


def test_a_journey_names_each_touchpoint_and_where_it_led(travelled):
    customer = max(travelled.events, key=lambda event: event["type"] == "purchase.completed")["customer"]
    found = read_json(travelled, "journey", customer)
    own = [event for event in travelled.events if event["customer"] == customer]
    assert [leg["event"] for leg in found["touchpoints"] if leg["event"]] == [event["id"] for event in own]
    told = [turn.what for turn in travelled.turns if turn.of["customer"] == customer and turn.what[0] == "moved"]
    said = [turn for leg in found["touchpoints"] for turn in leg["turns"] if "→" in turn and "bought" not in turn]
    assert said == [f"→ {to}" if before == "none" else f"{before} → {to}" for _, before, to, _ in told]
    assert found["stage"] == told[-1][2]
    shown = run("journey", customer, "--settings", travelled.file).stdout
    assert f"{customer}: {found['stage']} for" in shown
    assert all(channel in shown for channel in {event["channel"] for event in own})


def test_a_journey_says_the_persona_and_active_customers_are_counted_by_it(travelled):
    """Event time goes on with the clock while tests run: so personas are those of some moment since the last event."""
    last = max(event["time"] for event in travelled.events)
    customers = sorted({event["customer"] for event in travelled.events})
    own = {name: [event for event in travelled.events if event["customer"] == name] for name in customers}
    told, later = (
        {name: personas.persona(RULES, own[name], time, "UTC") for name in customers}
        for time in (last, last + 3_600_000)
    )
    for persona in ("gone", "buyer", "guest"):
        customer = next(name for name in customers if told[name] == later[name] == persona)
        assert read_json(travelled, "journey", customer)["persona"] == persona
        assert f"; persona {persona}; " in run("journey", customer, "--settings", travelled.file).stdout
        active = [
            sum(found[name] == persona and any(map(oracle.by_customer, own[name])) for name in customers)
            for found in (told, later)
        ]
        found = read_json(travelled, "metrics", *RANGE, "--where", f"persona={persona}", "--metric", "active_customers")
        assert [min(active) <= row["value"] <= max(active) for row in found] == [True], (active, found)
        assert max(active) - min(active) <= 3


def test_who_is_not_known_and_what_is_not_counted_is_said(travelled):
    unknown = run("journey", "nobody", "--settings", travelled.file)
    assert "nothing is known of the customer `nobody`" in str(unknown.exception)
    uncounted = run("funnel", "--where", "planet=mars", "--settings", travelled.file)
    assert "there is no dimension `planet`" in str(uncounted.exception)


def test_tables_are_for_people(travelled):
    for command, words in (
        ("funnel", ("awareness", "there now", "lapsed", "%")),
        ("paths", ("path to a purchase", "handoff", "→")),
        ("cohorts", ("customers", "%", "total")),
        ("experience", ("checkout", "success", "easy", "satisfied", "█", "%", "–", "total")),
        ("backlog", ("days", "open at the end of", "the oldest for", "total")),
    ):
        shown = run(command, "--settings", travelled.file)
        assert shown.exit_code == 0, shown.output
        assert all(word in shown.stdout for word in words), shown.stdout


def test_metrics_stand_beside_those_of_the_period_before_and_their_course(travelled):
    options = ("--metric", "touchpoints", "--metric", "active_customers", "--compare", "--trend")
    found = read_json(travelled, "metrics", "--from", "2024-07-08", "--to", "2024-07-15", *options)
    told = {each["metric"]: each for each in found}

    def count(what, first, days):
        start = f"date '2024-07-{first:02}'"
        inside = f"epoch_ms(time) >= {start} AND epoch_ms(time) < {start} + {days}"
        return travelled.sql.query("events", f"SELECT {what} FROM events WHERE {inside}").fetchall()[0][0]

    assert told["touchpoints"]["value"] == count("count(*)", 8, 7)
    assert told["touchpoints"]["before"] == {"value": count("count(*)", 1, 7), "samples": count("count(*)", 1, 7)}
    assert told["touchpoints"]["trend"] == [count("count(*)", day, 1) or None for day in range(8, 15)]
    active = f"""count(DISTINCT customer) FILTER (id IN ({
        ", ".join(f"'{event['id']}'" for event in travelled.events if oracle.by_customer(event))
    }))"""
    assert told["active_customers"]["before"]["value"] == count(active, 1, 7)
    assert told["active_customers"]["trend"] == [count(active, day, 1) or None for day in range(8, 15)]


def test_metrics_as_comma_separated_values(travelled):
    options = ("--by", "region", "--metric", "touchpoints", "--compare", "--format", "csv")
    result = run("metrics", "--from", "2024-07-08", "--to", "2024-07-15", *options, "--settings", travelled.file)
    header, *lines = list(csv.reader(result.stdout.splitlines()))
    assert header == [
        "region",
        "metric",
        "window",
        "from",
        "to",
        "unit",
        "value",
        "samples",
        "before",
        "before_samples",
    ]
    rows = travelled.sql.query(
        "events",
        """SELECT region, count(*) FROM events WHERE epoch_ms(time) >= date '2024-07-08'
        AND epoch_ms(time) < date '2024-07-15' AND region IS NOT NULL GROUP BY region""",
    ).fetchall()
    assert {line[0]: line[6] for line in lines} == {region: str(number) for region, number in rows}


def test_a_table_of_metrics_shows_change_and_course(travelled):
    asked = ("--from", "2024-07-08", "--to", "2024-07-15", "--compare", "--trend", "--settings", travelled.file)
    shown = run("metrics", *asked).stdout
    assert all(word in shown for word in ("change", "trend", "before", "%", "█"))
    assert "stage_engagement" not in shown
