"""Whatever a rule file says: it is refused with all its mistakes, or its rules can be tested and their alerts sent."""

import json
import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import json as msgjson

from schemas.alert import decode_alert
from schemas.cell import Cell, CellKey, Segment, Watermark, WatermarkKey, encode
from stream.board import Board
from stream.config import Config
from stream.driver import Line
from stream.mapping.problems import MappingError
from stream.metrics import UNITS
from stream.rules.rule import Rule, is_about
from stream.rules.rulefile import parse
from stream.slices import MINUTE_MS, RESOLUTIONS

CONFIG = Config(segmentations=((), ("channel",), ("region",), ("channel", "region")), windows=("5m", "1h", "day"))
START = 1_773_964_800_000
VALUES: dict[str, tuple[str, ...]] = {"channel": ("web", "chat", "eu"), "region": ("eu", "web", "")}
SEGMENTS: list[Segment] = [
    (),
    *((("channel", each),) for each in VALUES["channel"]),
    *((("region", each),) for each in VALUES["region"]),
    *((("channel", one), ("region", other)) for one in VALUES["channel"] for other in VALUES["region"]),
]
COUNTERS: tuple[str, ...] = (
    "touchpoints",
    "csat:1:5:1",
    "csat:1:5:5",
    "nps:0:10:0",
    "nps:0:10:8",
    "nps:0:10:10",
    "ces:1:7:6",
)
COUNTERS += ("resolution.b40", "resolution.b90", "resolution.n", "resolution.ms", "review.1", "review.5", "purchases")

junk = st.one_of(
    st.none(),
    st.text(max_size=5),
    st.sampled_from(["", " ", "\ud800", "٣", "5m", "٣m", "9" * 400, "-1e5", "{value", "{low}", "1_0", "\0", "x" * 300]),
    st.integers(-5, 10**400),
    st.floats(),
    st.booleans(),
    st.lists(st.integers(0, 2), max_size=2),
    st.dictionaries(st.sampled_from(["a", "above", "below", "weeks"]), st.integers(0, 9), max_size=2),
)
numbers = st.one_of(
    st.sampled_from(["0", "1", "-1", "0.5", "+3", "1" + "0" * 300, "20%", "-20%", "0.000001"]), st.floats(-100, 100)
)
durations = st.sampled_from(["0s", "30s", "5m", "999999d"])
names = st.sampled_from(["Low", "High", "Slow", "Few", "Ünïcode \U0001f600", "a\nb"])
labels = st.dictionaries(
    st.sampled_from(["team", "tier", "channel", "region", "severity"]), st.sampled_from(["web", "eu", ""]), max_size=2
)
metrics = st.sampled_from(["touchpoints", "csat_score", "csat_satisfied_ratio", "nps_score", "resolution_mean_seconds"])
LIKELY: dict[str, st.SearchStrategy[Any]] = {
    "recover": numbers,
    "min_samples": st.integers(1, 30),
    "confidence": st.sampled_from(["0.95", "90%", "0.5"]),
    "for": durations,
    "keep_firing_for": durations,
    "no_data": st.sampled_from(["keep", "alert", "resolve"]),
    "severity": st.sampled_from(["info", "critical"]),
    "labels": labels,
    "annotations": st.dictionaries(
        st.text(max_size=3), st.sampled_from(["{value} of {samples}", "{bound}", "{low} {high}"]), max_size=2
    ),
    "link": st.just("https://wiki/x"),
}
whole = st.fixed_dictionaries(
    {"metric": metrics | st.sampled_from(list(UNITS)), "window": st.sampled_from(["5m", "1h"])}
)
sides = st.dictionaries(st.sampled_from(["above", "below"]), numbers, min_size=1, max_size=1)
compared: st.SearchStrategy[dict[str, Any]] = st.one_of(
    sides, sides, st.fixed_dictionaries({"change": sides}), st.fixed_dictionaries({"deviation": sides})
)
places: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.sampled_from([{"by": ["channel"]}, {"by": "region"}, {"by": ["channel", "region"]}]),
    st.sampled_from([{"where": {"channel": "web"}}, {"where": {"region": "eu"}, "by": ["channel"]}]),
)


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    """One that is right, or nearly."""
    rule: dict[str, Any] = {"alert": draw(names), **draw(places)}
    one = {**draw(whole), **draw(compared)}
    rule |= {"all": [one, {**draw(whole), **draw(sides)}]} if draw(st.integers(0, 5)) == 0 else one
    for key in draw(st.lists(st.sampled_from(list(LIKELY)), max_size=2, unique=True)):
        rule[key] = draw(LIKELY[key])
    return rule


@st.composite
def documents(draw: st.DrawFn) -> Any:
    """A file of rules in which something may be anything."""
    found = draw(st.lists(rules(), min_size=1, max_size=5))
    for rule in found:
        if draw(st.integers(0, 7)) == 0:
            rule[draw(st.sampled_from([*rule, *LIKELY, "alert", "where", "by", "all"]))] = draw(junk)
    return draw(junk) if draw(st.integers(0, 40)) == 0 else {"rules": found}


def written(document: Any) -> str:
    """As YAML: halves of surrogate pairs are escaped, as they cannot be in a file otherwise."""
    text = json.dumps(document, ensure_ascii=False)
    return re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):x}", text)


def accepted(found: Iterable[dict[str, Any]]) -> list[Rule]:
    """As many rules as make a valid file together."""
    right: list[dict[str, Any]] = []
    for rule in found:
        with suppress(MappingError):
            parse(written({"rules": [*right, rule]}), "rules.yaml", CONFIG)
            right.append(rule)
    return parse(written({"rules": right}), "rules.yaml", CONFIG)


def told(found: list[Rule], counters: dict[str, int]) -> None:
    """Test the rules on these counters in each segment, store where they stand, and send what they tell."""
    store: dict[bytes, bytes] = {}
    board = Board(CONFIG, found, store.get)
    for now_ms in (START, START + MINUTE_MS, START + 20 * MINUTE_MS):
        log = [
            (encode(CellKey(segment, each, START - START % each, 0)), Cell(counters, now_ms).encode())
            for segment in SEGMENTS
            for each in RESOLUTIONS
        ]
        log.append((encode(WatermarkKey(0)), Watermark(now_ms, now_ms).encode()))
        board.merge([Line(now_ms + at, *pair) for at, pair in enumerate(log)], 0)
        for alert in board.evaluate(0):
            assert decode_alert(msgjson.encode(alert)) == alert
        board.state.changes()
        board.state.settle()


amounts = st.integers(-9, 60) | st.sampled_from([10**12, -(10**12)])
quickly = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@settings(quickly, max_examples=250)
@given(document=documents(), counters=st.dictionaries(st.sampled_from(COUNTERS), amounts, max_size=5))
def test_a_file_is_refused_or_its_rules_can_be_tested_and_told(document: Any, counters: dict[str, int]) -> None:
    with suppress(MappingError):
        parse(written(document), "rules.yaml", CONFIG)
    if isinstance(document, dict) and isinstance(document.get("rules"), list):
        told(accepted(document["rules"]), counters)


@settings(quickly, max_examples=150)
@given(document=documents(), cuts=st.lists(st.tuples(st.floats(0, 1), st.text(max_size=3)), min_size=1, max_size=3))
def test_a_file_in_which_anything_is_written_anywhere_is_read_or_refused(
    document: Any, cuts: list[tuple[float, str]]
) -> None:
    text = written(document)
    for part, inserted in cuts:
        at = int(part * len(text))
        text = text[:at] + inserted + text[at + 1 :]
    with suppress(MappingError):
        parse(text, "rules.yaml", CONFIG)


named = st.fixed_dictionaries(
    {"alert": st.just("Low"), "metric": st.just("touchpoints"), "window": st.just("5m"), "below": st.just(1)},
    optional={"labels": labels},
)


@settings(quickly, max_examples=400)
@given(found=st.lists(st.builds(dict.__or__, named, places), min_size=2, max_size=5))
def test_no_two_rules_of_a_valid_file_share_an_alert_on_any_segments(found: list[dict[str, Any]]) -> None:
    """Those are left out with which the file would be refused, or all would be, as they are called the same."""
    low = accepted(found)
    identities = [rule.fingerprint_of(segment) for rule in low for segment in SEGMENTS if is_about(rule, dict(segment))]
    assert len(set(identities)) == len(identities)


LOW = "rules:\n  - alert: Low\n    metric: csat_score\n    window: 1h\n    below: 7\n"


@pytest.mark.parametrize(
    ("line", "written", "where", "hint"),
    [
        ("    below: 7", "    below: 7\n    labels: {channel: chat}", 6, "`channel` is a dimension in the settings"),
        ("    below: 7", "    below: 7\n    by: [channel]\n    labels: {region: eu}", 7, "`region` is a dimension"),
        ("    below: 7", "    below: 7\n    labels: {severity: high}", 6, "`severity` is what an alert has anyway"),
        ("    below: 7", "    below: 7\n    labels: {alertname: x}", 6, "`alertname` is what an alert has anyway"),
        ("    below: 7", f"    below: {'9' * 400}", 5, "too many digits"),
        ("    below: 7", f"    change: {{below: -{'9' * 400}%}}", 5, "too many digits"),
        ("    below: 7", f"    below: 7\n    recover: {'9' * 400}", 6, "too many digits"),
        ("    below: 7", "    below: ٣", 5, "must be a number"),
        ("    below: 7", "    below: 7\n    for: ٣m", 6, "must be a duration"),
        ("    below: 7", "    below: 7\n    min_samples: ٣", 6, "must be a whole number"),
        ("    below: 7", "    below: 7\n    confidence: ٠.٩", 6, "a share from"),
        ("    below: 7", "    deviation: {below: -3, weeks: ٣}", 5, "a whole number from"),
        ("  - alert: Low", "  - alert: ''", 2, "`alert` must not be empty"),
        ("  - alert: Low", "  - alert: '  '", 2, "`alert` is empty"),
        ("  - alert: Low", '  - alert: "\\ud800"', 2, "surrogate"),
        ("    below: 7", '    below: 7\n    annotations: {summary: "\\udc00"}', 6, "surrogate"),
        ("    below: 7", '    below: 7\n    labels: {team: "\\udc00"}', 6, "surrogate"),
        ("    below: 7", '    below: 7\n    link: "https://wiki/x\\n"', 6, "`link`"),
    ],
)
def test_what_would_raise_later_or_lose_an_alert_is_a_mistake_with_its_line(
    line: str, written: str, where: int, hint: str
) -> None:
    with pytest.raises(MappingError) as caught:
        parse(LOW.replace(line, written), "rules.yaml", CONFIG)
    (problem,) = [each for each in caught.value.problems if hint in each]
    assert problem.startswith(f"rules.yaml:{where}: ")
