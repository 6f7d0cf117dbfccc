"""The mapping language: what it expresses, what it refuses, and what becomes of bad rows."""

from decimal import Decimal
from textwrap import dedent

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.mapping import MappingError, parse
from stream.mapping.convert import Instant, Whole, slug
from stream.mapping.problems import UnmappableError

HEAD = """
input: {format: ndjson}
defaults: {id: "e-{$row}", time: {column: t, format: epoch_ms}, customer: "{c}", channel: web}
events:
"""


def outcomes(mapping, *lines):
    return list(parse(dedent(mapping), "m.yaml").outcomes(f"{line}\n" for line in lines))


def events(mapping, *lines):
    """Events as they go on the topic; a row with a problem fails the test."""
    found = outcomes(mapping, *lines)
    assert [problem for outcome in found for problem in outcome.problems] == []
    return [msgspec.to_builtins(event) for outcome in found for event in outcome.events]


def event(rule, row):
    (found,) = events(HEAD + f"  - {rule}", msgspec.json.encode({"t": 1, "c": "x"} | row).decode())
    return found


def mistakes(mapping):
    with pytest.raises(MappingError) as caught:
        parse(dedent(mapping), "m.yaml")
    return caught.value.problems


# What it expresses


def test_csv_with_a_header_becomes_canonical_touchpoints():
    found = events(
        """
        input: {format: csv, delimiter: ";"}
        events:
          - {type: account.created, id: "{no}", time: {column: when}, customer: "{who}",
             channel: {column: by, as: slug}}
        """,
        "no;when;who;by",
        '1;2024-01-02T03:04:05Z;"a;b";Self service',
    )
    assert found == [
        {"type": "account.created", "id": "1", "time": 1704164645000, "customer": "a;b", "channel": "self_service"}
    ]


def test_columns_are_named_by_the_mapping_where_the_file_has_no_header():
    found = events(
        """
        input: {format: csv, delimiter: whitespace, columns: [who, day], skip: 1, comment: "#"}
        events:
          - type: account.created
            id: "{who}-{$row}"
            time: {column: day, format: "%Y%m%d", at: "12:00"}
            customer: "{who}"
            channel: web
        """,
        "a title that is skipped",
        "# a comment",
        "  ann   19970101 ",
        "",
        "bob 19970102",
    )
    assert [(e["id"], e["time"]) for e in found] == [("ann-1", 852120000000), ("bob-2", 852206400000)]


def test_nested_objects_and_arrays_are_reached_by_dotted_paths():
    rule = '{type: purchase.completed, order: "{o.id}", amount: {column: o.lines.0.cost, times: 100}, currency: USD}'
    found = event(rule, {"o": {"id": 7, "lines": [{"cost": 10.07}]}})
    assert (found["order"], found["amount"]) == ("7", 1007)


def test_a_key_with_a_dot_in_it_wins_over_the_path():
    assert event('{type: goal.reached, goal: "{a.b}"}', {"a.b": "flat", "a": {"b": "deep"}})["goal"] == "flat"


def test_values_are_looked_up_in_a_map():
    rule = "{type: goal.reached, goal: {column: g, map: {3: email, no: declined}, otherwise: 'code {g}'}}"
    assert [event(rule, {"g": g})["goal"] for g in (3, "no", 9)] == ["email", "declined", "code 9"]


def test_a_default_stands_where_there_is_nothing():
    rule = "{type: goal.reached, goal: {template: '{a}-{b}', default: 'none of {c}'}}"
    assert event(rule, {"a": "1", "b": " "})["goal"] == "none of x"


def test_labels_and_lists_are_filled_from_columns():
    rule = (
        "{type: survey.answered, survey: s, kind: ces, score: '{s}', scale: {min: 1, max: 5}, "
        "labels: {tier: '{tier}', fixed: yes}, reasons: {column: why, split: '|'}}"
    )
    found = event(rule, {"s": "4", "tier": "gold", "why": "slow| rude"})
    assert found["scale"] == {"min": 1, "max": 5}
    assert found["labels"] == {"tier": "gold", "fixed": "yes"}
    assert found["reasons"] == ["slow", "rude"]
    assert event(rule, {"s": "4", "tier": "gold", "why": ["slow", 3]})["reasons"] == ["slow", "3"]


def test_null_takes_a_default_away():
    mapping = HEAD.replace("channel: web", "channel: web, region: eu")
    (found,) = events(mapping + "  - {type: account.created, region: null}", '{"t": 1, "c": "x"}')
    assert "region" not in found


def test_time_comes_from_several_columns_in_the_zone_of_the_mapping():
    (found,) = events(
        """
        input: {format: csv}
        timezone: America/Los_Angeles
        events:
          - type: account.created
            id: "{$event}-{$row}"
            name: hello
            time: {columns: [day, hour], format: "%d.%m.%Y %H:%M"}
            customer: "{who}"
            channel: web
        """,
        "day,hour,who",
        "13.05.2017,12:00,ann",
    )
    assert (found["id"], found["time"]) == ("hello-1", 1494702000000)


@pytest.mark.parametrize(
    ("pattern", "text", "ms"),
    [
        ("iso", "1970-01-01T00:00:01", 1000),
        ("iso", "1970-01-01 01:00:01.5+01:00", 1500),
        ("epoch_s", "1.2349", 1234),
        ("epoch_s", "1e3", 1_000_000),
        ("epoch_ms", "1234", 1234),
        ("%d/%b/%Y:%H:%M:%S %z", "01/Jan/1970:01:00:00 +0100", 0),
    ],
)
def test_times_are_read_to_the_millisecond(pattern, text, ms):
    assert Instant(pattern, "UTC")(text) == ms


def test_of_an_hour_that_comes_twice_the_first_is_meant():
    assert Instant("iso", "America/New_York")("2024-11-03T01:30:00") == 1730611800000


@pytest.mark.parametrize(
    ("test", "met"),
    [
        ("3", [3]),
        ("[1, 3]", [1, 3]),
        ("{equals: 1}", [1]),
        ("{in: [1, 2]}", [1, 2]),
        ("{between: [2, 3]}", [2, 3]),
        ("{matches: '[12]'}", [1, 2]),
        ("{empty: true}", [None]),
        ("{empty: false}", [1, 2, 3, "x"]),
        ("{not: [1, 2]}", [3, "x", None]),
        ("{not: {between: [1, 2]}}", [3, "x", None]),
    ],
)
def test_conditions_choose_rows(test, met):
    rows = [1, 2, 3, "x", None]
    lines = [msgspec.json.encode({"t": 1, "c": "x", "v": v}).decode() for v in rows]
    found = outcomes(HEAD + f"  - {{type: account.created, when: {{v: {test}}}}}", *lines)
    assert [v for v, outcome in zip(rows, found, strict=True) if outcome.events] == met


def test_a_list_of_conditions_asks_for_one_of_them():
    rule = "  - {type: account.created, when: [{a: 1, b: 1}, {c: z}]}"
    lines = ['{"t":1,"c":"x","a":1,"b":1}', '{"t":1,"c":"z"}', '{"t":1,"c":"x","a":1}']
    assert [len(outcome.events) for outcome in outcomes(HEAD + rule, *lines)] == [1, 1, 0]


SNAPSHOTS = """
input: {format: csv}
entity: no
defaults:
  id: "{no}-{$event}-{$row}"
  time: {column: t, format: epoch_s}
  customer: {column: who, first: true, default: "unknown-{no}"}
  channel: web
  ticket: "{no}"
events:
  - {type: ticket.opened, name: opened, on_first: true}
  - {type: ticket.reopened, name: reopened, on_increase: reopens}
  - {type: ticket.assigned, name: assigned, on_change: team, when: {team: {empty: false}}, team: "{team}"}
  - {type: ticket.resolved, name: resolved, on_change: state, when: {state: Resolved}}
"""


def test_snapshots_of_state_become_events_by_what_changed_for_each_entity():
    found = events(
        SNAPSHOTS,
        "no,t,who,team,state,reopens",
        "A,1,ann,t1,New,0",
        "B,2,,,Resolved,2",
        "A,3,bob,t2,Resolved,0",
        "A,4,ann,,Resolved,0",
        "A,5,ann,t2,Resolved,1",
        "B,6,cyd,,Resolved,1",
    )
    assert [e["id"] for e in found] == [
        "A-opened-1", "A-assigned-1", "B-opened-2", "B-resolved-2", "A-assigned-3", "A-resolved-3",
        "A-reopened-5", "A-assigned-5",
    ]  # fmt: skip
    assert {e["customer"] for e in found} == {"ann", "unknown-B"}


def test_replaying_twice_gives_the_same_ids():
    lines = ["no,t,who,team,state,reopens", "A,1,ann,t1,New,0", "A,2,ann,t1,Resolved,0"]
    mapping = parse(SNAPSHOTS)
    once, twice = ([e.id for o in mapping.outcomes(lines) for e in o.events] for _ in range(2))
    assert once == twice == ["A-opened-1", "A-assigned-1", "A-resolved-2"]


def test_slugs_are_channels():
    assert [slug(text) for text in ("Self service", "IVR", "  E-Mail! ", "Café")] == [
        "self_service", "ivr", "e_mail", "cafe",
    ]  # fmt: skip


@given(st.integers(0, 10**15))
def test_money_becomes_minor_units_exactly(cents):
    text = f"{cents // 100}.{cents % 100:02}"
    assert Whole(times=Decimal(100))(text) == cents


@pytest.mark.parametrize("text", ["1.005", "1,50", "nan", "inf", "", "0x1", "١", "1" * 30])
def test_what_is_no_whole_number_is_refused(text):
    with pytest.raises(UnmappableError):
        Whole()(text)


# What it refuses


def test_all_mistakes_are_found_at_once_with_their_lines():
    found = mistakes("""\
        input: {format: csv, delimeter: ";", skip: -1}
        timezone: Mars/Olympus
        defaults:
          id: "{$row}"
          time: {column: t, format: "%Q"}
          customr: "{c}"
          channel: Web Site
        events:
          - type: ticket.opend
          - type: ticket.resolved
            on_change: state
          - type: survey.answered
            survey: s
            customer: "{c}"
            kind: npss
            score: {column: s, times: 0}
            when: {s: {betwen: [0, 10]}}
            scale: {min: 1, maximum: 5}
          - type: survey.answered
            survey: s
            customer: "{c"
            kind: nps
            score: ten
            touchpint: x
        """)
    beginnings = [
        "m.yaml:1: `input: skip` must be a whole number, 0 or more",
        "m.yaml:1: `input`: unknown key `delimeter`: did you mean `delimiter`?",
        "m.yaml:2: `timezone` 'Mars/Olympus' is not known: use a name such as UTC or America/Los_Angeles",
        "m.yaml:5: `time`: `format` '%Q' is neither iso, epoch_s, epoch_ms nor a strptime pattern",
        "m.yaml:6: `defaults`: no event here has a field `customr`: did you mean `customer`?",
        "m.yaml:7: `channel` cannot be `Web Site`: ",
        "m.yaml:9: there is no event type `ticket.opend`: did you mean `ticket.opened`?",
        "m.yaml:10: `ticket.resolved` follows changes: say of what by `entity: <column>` at the top",
        "m.yaml:10: `ticket.resolved` lacks `customer`: give it who did it",
        "m.yaml:10: `ticket.resolved` lacks `ticket`: give it `ticket: …`",
        "m.yaml:15: `kind` cannot be `npss`: ",
        "m.yaml:16: `score`: `times` must be a number above 0 (100: dollars to cents)",
        "m.yaml:17: `when: s`: give one of equals, in, between, matches, empty, not",
        "m.yaml:17: `when: s`: unknown key `betwen`: did you mean `between`?",
        "m.yaml:18: `scale` cannot be: ",
        "m.yaml:18: `scale`: unknown key `maximum`: did you mean `max`?",
        "m.yaml:19: another event is called `survey.answered`: give this one a `name:` of its own",
        "m.yaml:21: a lone `{`: write `{{` for the character itself",
        "m.yaml:23: `score`: not a number: 'ten'",
        "m.yaml:24: `survey.answered` has no field `touchpint`: did you mean `touchpoint`?",
    ]
    for problem, beginning in zip(found, beginnings, strict=True):
        assert problem.startswith(beginning)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "m.yaml:1: the mapping is empty"),
        ("input: [", "m.yaml:1: not YAML"),
        ("a: \0", "m.yaml: not YAML"),
        ("&a [*a]", "m.yaml:1: an alias contains itself"),
        ("- x", "m.yaml:1: the mapping must be a mapping"),
        ("input: {format: xml}\nevents: []", "m.yaml:1: `input: format` cannot be `xml`: choose from csv, ndjson"),
        ("input: {format: ndjson, skip: 1}\nevents: []", "m.yaml:1: `input: skip` is for csv"),
        ("input: {format: csv}\ninput: {format: csv}\nevents: []", "m.yaml:2: the mapping: `input` is given twice"),
        ("input: {format: csv}\nevents: []", "m.yaml:2: `events` must be a list"),
    ],
)
def test_what_is_no_mapping_at_all_says_so(text, problem):
    assert any(found.startswith(problem) for found in mistakes(text)), mistakes(text)


def test_columns_are_checked_against_those_named():
    (problem,) = mistakes("""\
        input: {format: csv, columns: [a, t]}
        events:
          - {type: account.created, id: "{a}", time: {column: t}, channel: web,
             customer: "{b}"}
        """)
    assert problem == "m.yaml:1: line 4 uses the column `b`, which `input: columns` lacks"


def test_columns_are_checked_against_the_header_of_the_file():
    mapping = parse(SNAPSHOTS, "m.yaml")
    with pytest.raises(MappingError) as caught:
        list(mapping.outcomes(["no,t,who,state\n"]))
    assert caught.value.problems == [
        "m.yaml:12: the file has no column 'reopens'",
        "m.yaml:13: the file has no column 'team'",
        "the header has: no, t, who, state. Correct the mapping, or take the one for this file",
    ]
    with pytest.raises(MappingError, match="the file is empty"):
        list(mapping.outcomes([]))


# Bad rows


def test_bad_rows_are_outcomes_and_leave_the_others_alone():
    found = outcomes(
        """
        input: {format: csv}
        events:
          - type: survey.answered
            id: "{$row}"
            time: {column: t}
            customer: "{c}"
            channel: web
            survey: s
            kind: nps
            score: "{s}"
        """,
        "t,c,s",
        "2024-01-01,ann,10",
        "2024-01-01,ann",
        "2024-13-01,ann,10",
        "2024-01-01,,10",
        "2024-01-01,ann,9.5",
        "2024-01-01,ann,11",
        '2024-01-01,"a"nn,1',
        "2024-01-01,a\udcffn,1",
        "2024-01-01,ann,0",
    )
    problems = [str(problem) for outcome in found for problem in outcome.problems]
    assert [len(outcome.events) for outcome in found] == [1, 0, 0, 0, 0, 0, 0, 0, 1]
    assert problems[:4] == [
        "row 2 (line 3): wrong number of columns: 2 in place of 3",
        "row 3 (line 4), survey.answered: time: not a time in the format iso: '2024-13-01'",
        "row 4 (line 5), survey.answered: customer: no value",
        "row 5 (line 6), survey.answered: score: not a whole number: '9.5'",
    ]
    assert problems[4].startswith("row 6 (line 7), survey.answered: score 11 is off its scale 0 to 10")
    assert problems[5].startswith("row 7 (line 8): not CSV: ")
    assert problems[6] == "row 8 (line 9): not UTF-8"


def test_lines_that_are_no_json_objects_are_outcomes():
    found = outcomes(HEAD + "  - {type: account.created}", '{"t":1,"c":"x"}', "[1]", "{", "", '{"t":1,"c":{}}')
    assert [len(outcome.events) for outcome in found] == [1, 0, 0, 0]
    reasons = [problem.reason for outcome in found for problem in outcome.problems]
    assert reasons[:2] == ["not a JSON object"] * 2
    assert reasons[2] == "customer: c: a list or an object where one value was expected"


def test_one_event_of_a_row_that_fails_does_not_hold_back_the_others():
    rules = """
  - {type: goal.reached, name: one, goal: "{g}"}
  - {type: goal.reached, name: two, goal: fixed}
"""
    (outcome,) = outcomes(HEAD + rules, '{"t":1,"c":"x"}')
    assert [e.goal for e in outcome.events] == ["fixed"]
    assert [(p.event, p.reason) for p in outcome.problems] == [("one", "goal: no value")]


def test_a_value_that_the_map_lacks_is_a_problem():
    (outcome,) = outcomes(HEAD + "  - {type: goal.reached, goal: {column: g, map: {1: a}}}", '{"t":1,"c":"x","g":2}')
    assert [str(problem) for problem in outcome.problems] == ["row 1 (line 1), goal.reached: goal: not in the map: '2'"]


def test_a_row_without_its_entity_cannot_be_compared():
    (outcome,) = outcomes(SNAPSHOTS, "no,t,who,team,state,reopens", ",1,ann,t1,New,0")
    assert {problem.reason for problem in outcome.problems} == {"the entity is empty, so that nothing can be compared"}


@given(st.lists(st.text(max_size=40), max_size=8))
def test_any_text_is_counted_row_by_row_and_never_raises(lines):
    for number, outcome in enumerate(parse(SNAPSHOTS).outcomes(["no,t,who,team,state,reopens\n", *lines]), 1):
        assert outcome.row == number
