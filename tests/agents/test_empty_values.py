"""An empty value (``""``) is a mistake under every key of every file, but where empty is meant."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from yaml.nodes import MappingNode, Node, ScalarNode

from agents import deskfile, placefile, settings
from agents.outletfile import _KEYS as OUTLET_KEYS
from agents.ruletests import load_tests
from agents.settings import load
from stream.config import Config
from stream.errors import ConfigError
from stream.mapping.parse import CSV, RULE, TOP
from stream.mapping.parse import parse as parse_source
from stream.rules import rulefile
from stream.trials import trialfile

CONFIG = Config(segmentations=((), ("channel",), ("channel", "region")), windows=("5m", "1h", "day"))
RULES = """
rules:
  - {alert: A, metric: csat_score, window: 1h, below: 7, recover: 8, min_samples: 3, confidence: 95%,
     where: {channel: web}, by: [region], for: 5m, keep_firing_for: 5m, no_data: keep, severity: info,
     labels: {team: web}, annotations: {summary: low}, link: "https://wiki/a"}
  - {alert: B, metric: csat_score, window: 1h, change: {below: -20%}, recover: -10%}
  - {alert: C, metric: csat_score, window: 1h, deviation: {above: 3, weeks: 4}}
  - {alert: D, all: [{metric: csat_score, window: 1h, above: 7}, {metric: touchpoints, window: 5m, above: 7}]}
"""
SETTINGS = """
bootstrap: "127.0.0.1:9092"
id: a
prefix: a
partitions: 4
replication: 1
touchpoints: a
standby_replicas: 0
sources: [chat]
store: memory
data_dir: data
host: 127.0.0.1
port: 0
session_seconds: 10
rules: rules.yaml
log_format: text
log_level: info
exemplars: "off"
security_protocol: SASL_SSL
sasl_mechanism: PLAIN
sasl_username: a
sasl_password_file: file
ssl_ca_file: file
ssl_certificate_file: file
ssl_key_file: file
ssl_key_password_file: file
ssl_check_hostname: true
outlets:
  - {name: a, kind: webhook, url: "http://h", secret_variable: S, severity: [warning], matchers: [a=b], group_by: [a],
     group_wait: 1s, group_interval: 1s, repeat_interval: 1s, resolved: true, timeout: 1s, link: "http://h",
     give_up: 1h}
  - {name: b, kind: alertmanager, url_variable: U, resend: 1m}
segments: [[channel]]
windows: [5m, 1h]
time_zone: UTC
future_seconds: 300
max_segments: 10
max_reasons: 10
recent_ids: 10
max_record_bytes: 1000
hot_megabytes: 10
stages: four
signals: {chat.started: contact}
lapse_days: 30
handoff_hours: 1
personas:
  - {name: a, when: {revenue: {currency: EUR, at_least: 1, below: 5, days: 9},
                     first_seen_days: {at_least: 1, at_most: 9}, inactive_days: 3,
                     nps: promoter, purchases: {at_least: 1, days: 9}}}
targets: {wait: {normal: 60}}
confirm_days: 2
business_hours: {monday: ["09:00-17:00"]}
holidays: [2026-12-25]
friction: {repeat_contact: {severity: info, cooldown_hours: 3}, detractor_answer: "off"}
customer_days: 400
maintenance: [{name: a, week: {sunday: ["02:00-04:00"]}, time_zone: UTC, matchers: [a=b]}]
inhibit: [{source: [a=b], target: [a=c], equal: [a]}]
inhibit_parts: true
escalate: {warning: 1h}
"""
TESTS = """
rules: [{alert: A, metric: csat_score, window: 1h, below: 7}]
tests:
  - name: a
    start: 2026-01-05
    series: [{metric: csat_score, window: 1h, where: {channel: web}, step: 1m, values: 1x3, samples: 5, before: 1x3,
              spread: 1}]
    expect: [{at: 5m, alerts: [A, {alert: A, state: firing, labels: {channel: web}, value: 1}]}]
  - name: b
    events: [{at: 1m, every: 1m, times: 3, type: chat.started, customer: a, channel: web}]
    expect: [{at: 5m, friction: [{signal: repeat_contact, customer: a, about: b}]}]
  - {name: c, events_file: file, expect: [{at: 1m, alerts: []}]}
"""
MAPPING = """
input: {format: csv, order: file, delimiter: ";", columns: [a, b, c, d, e, f, g], skip: 1, comment: "#"}
timezone: UTC
entity: a
defaults: {channel: web}
events:
  - type: chat.started
    name: n
    on_first: true
    on_change: [b]
    on_increase: b
    when: {a: x, b: {in: [x]}, c: {between: [0, 9]}, d: {matches: x}, e: {empty: true}, f: {not: x}, g: {equals: x}}
    id: {columns: [a, b]}
    customer: {column: a, as: slug, first: true}
    time: {column: b, format: "%Y-%m-%d", at: "12:00", timezone: UTC}
"""
MEANT = {"prefix", "touchpoints", "summary"}
"""No prefix, the application's own touchpoints, an annotation without words."""


def parse_rules(text: str, folder: Path) -> None:
    rulefile.parse(text, "file", CONFIG)


def parse_mapping(text: str, folder: Path) -> None:
    parse_source(text, "file")


def parse_settings(text: str, folder: Path) -> None:
    (folder / "rules.yaml").write_text("rules: []\n")
    (folder / "file").write_text("a\n")
    (folder / "cxstream.yaml").write_text(text)
    load(folder / "cxstream.yaml", {})


def parse_tests(text: str, folder: Path) -> None:
    (folder / "file").write_text("")
    (folder / "tests.yaml").write_text(text)
    load_tests(folder / "tests.yaml", CONFIG)


READERS: dict[str, tuple[str, Callable[[str, Path], None]]] = {
    "rules": (RULES, parse_rules),
    "settings": (SETTINGS, parse_settings),
    "tests": (TESTS, parse_tests),
    "mapping": (MAPPING, parse_mapping),
}


def composed(text: str) -> Node:
    root = yaml.compose(text)
    assert root is not None
    return root


def leaves(node: Node, path: str = "") -> Iterator[tuple[str, ScalarNode]]:
    """Every single value, with the keys that lead to it."""
    if isinstance(node, ScalarNode):
        yield path, node
    elif isinstance(node, MappingNode):
        for key, value in node.value:
            yield from leaves(value, f"{path}.{key.value}")
    else:
        for at, value in enumerate(node.value):
            yield from leaves(value, f"{path}.{at}")


def emptied(text: str, path: str) -> str:
    root = composed(text)
    node = dict(leaves(root))[path]
    node.value, node.tag, node.style = "", "tag:yaml.org,2002:str", '"'
    return str(yaml.serialize(root))


CASES = [(kind, path) for kind, (text, _) in READERS.items() for path, _ in leaves(composed(text))]


def problems(kind: str, text: str, folder: Path) -> set[str]:
    """What is wrong with it, without the lines."""
    try:
        READERS[kind][1](text, folder)
    except ConfigError as error:
        return {problem.split(": ", 1)[-1] for problem in error.problems}
    return set()


@pytest.mark.parametrize(("kind", "path"), CASES)
def test_an_empty_value_is_a_mistake(kind: str, path: str, tmp_path: Path) -> None:
    text = READERS[kind][0]
    more = problems(kind, emptied(text, path), tmp_path) - problems(kind, text, tmp_path)
    assert bool(more) is (path.rsplit(".", 1)[1] not in MEANT), more


def keys_of(node: Node) -> set[str]:
    if isinstance(node, ScalarNode):
        return set()
    parts = [value for _, value in node.value] if isinstance(node, MappingNode) else node.value
    own = {str(key.value) for key, _ in node.value} if isinstance(node, MappingNode) else set()
    return own.union(*map(keys_of, parts))


@pytest.mark.parametrize(
    ("text", "known"),
    [
        (RULES, rulefile._KEYS),
        (SETTINGS, (*settings._CORE, *placefile.KEYS, *deskfile.KEYS, *deskfile._INHIBITION, *deskfile._MAINTENANCE)),
        (SETTINGS, OUTLET_KEYS),
        (TESTS, (*trialfile._KEYS, *trialfile._SERIES_KEYS)),
        (MAPPING, (*TOP, *RULE, *CSV)),
    ],
)
def test_every_key_is_among_those_above(text: str, known: Any) -> None:
    assert set(known) <= keys_of(composed(text))
