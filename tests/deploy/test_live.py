"""Everything that a panel asks has an answer, in a real Prometheus that scrapes real workers."""

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from agents.brokers import Broker
from deploy.grafana.queries import chosen
from tests.deploy.prometheus import promtool
from tests.deploy.stage import Stage, staged
from tests.e2e.test_commands import cxstream

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(900)  # the first of them waits for the stage
DASHBOARDS = sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"))
RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))


@pytest.fixture(scope="module")
def stage(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(kafka.bootstrap, tmp_path_factory.mktemp("stage")) as found:
        yield found


def filled(expr: str, variables: Mapping[str, str]) -> str:
    """An expression as Grafana sends it."""
    for name in sorted(variables, key=len, reverse=True):
        expr = expr.replace(f"${name}", variables[name])
    assert "$" not in expr.replace('"^$"', ""), expr
    return expr


def defaults(dashboard: dict[str, Any]) -> dict[str, str]:
    """The values of variables when a dashboard is opened."""
    found = {"__rate_interval": "5m"}
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            found[variable["name"]] = variable["allValue"]
        elif variable["type"] == "custom":
            found[variable["name"]] = variable["current"]["value"]
    return found


def answers(stage: Stage, target: dict[str, Any], variables: Mapping[str, str]) -> list[Any]:
    """What Prometheus answers to a panel's query, as the panel asks it: now, or over time."""
    expr = filled(target["expr"], variables)
    if target["instant"]:
        return stage.prometheus.ask(expr)
    now_s = time.time()
    found = stage.prometheus.get("/api/v1/query_range", query=expr, start=now_s - 5, end=now_s, step=1)
    return list(found["result"])


def has_number(series: Mapping[str, Any]) -> bool:
    return any(value != "NaN" for _, value in series.get("values", [series.get("value")]))


def test_every_query_of_every_panel_returns_data(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    executed: Counter[str] = Counter()
    full: Counter[str] = Counter()
    empty: list[str] = []
    for path in DASHBOARDS:
        dashboard = json.loads(path.read_text())
        for panel in dashboard["panels"]:
            if panel["type"] == "row":
                continue
            without = [
                target["expr"]
                for target in panel["targets"]
                if not any(map(has_number, answers(stage, target, defaults(dashboard))))
            ]
            executed[path.stem] += 1
            full[path.stem] += not without
            empty += [f"{path.stem}: {panel['title']}: {expr}" for expr in without]
    lines = [f"{name:<20} {number:>3} / {full[name]}\n" for name, number in executed.items()]
    with capsys.disabled():
        sys.stdout.write("".join(["\npanels executed / with data\n", *lines]))
    assert not empty, "\n".join(empty)


def test_annotations_mark_alerts_that_fire(stage: Stage) -> None:
    for path in DASHBOARDS:
        (annotation,) = json.loads(path.read_text())["annotations"]["list"]
        found = {series["metric"].get("alert") for series in stage.prometheus.ask(annotation["expr"])}
        assert found == {"Busy", "Detractors"} or path.stem == "pipeline-health"


def test_variables_choose_one_series_each_and_two_together(stage: Stage) -> None:
    dashboard = json.loads(DASHBOARDS[-1].read_text())
    usual = defaults(dashboard)
    values: dict[str, list[str]] = {}
    for variable in (each for each in dashboard["templating"]["list"] if each["type"] == "query"):
        match = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["definition"])
        assert match is not None
        found = stage.prometheus.get(f"/api/v1/label/{match[2]}/values", **{"match[]": match[1]})
        values[variable["name"]] = list(found)
        for value in found:
            (series,) = stage.prometheus.ask(filled(chosen("touchpoints"), usual | {variable["name"]: value}))
            assert series["metric"][variable["name"]] == value
    assert {name for name, found in values.items() if len(found) > 1} == {"channel", "region", "segment", "product"}
    both = {"channel": "web", "region": values["region"][0]}
    (series,) = stage.prometheus.ask(filled(chosen("touchpoints"), usual | both))
    assert series["metric"]["cut"] == "channel,region"


def test_promtool_has_nothing_to_say_about_what_workers_tell(stage: Stage) -> None:
    for worker in stage.workers.workers:
        assert promtool("check", "metrics", text=worker.get("/metrics").encode()) == (0, "")


def test_prometheus_has_what_the_workers_told_and_no_series_twice(stage: Stage) -> None:
    def same() -> bool:  # in the end: windows move on while one of the two is asked
        told, scraped = _told(stage), _scraped(stage)
        assert max(told.values()) == max(scraped.values()) == 1
        return len(told) > 5_000 and told == scraped

    stage.workers.wait(same, "Prometheus has what the workers tell")


Places = Counter[tuple[str, frozenset[tuple[str, str]]]]
"""Series by name and labels, and how often each is there."""


def _told(stage: Stage) -> Places:
    places = (place for worker in stage.workers.workers for place in worker.samples())
    return Counter((name, frozenset(labels)) for name, labels in places if "window" in dict(labels))


def _scraped(stage: Stage) -> Places:
    found = (series["metric"] for series in stage.prometheus.ask('{__name__=~"cx_.+",window!=""}'))
    return Counter((each.pop("__name__"), frozenset(each.items() - _added(each))) for each in found)


def _added(labels: Mapping[str, str]) -> set[tuple[str, str]]:
    """What Prometheus adds of its own."""
    return {(name, labels[name]) for name in ("job", "instance")}


def test_friction_has_exemplars_of_customers_whose_journey_can_be_looked_at(stage: Stage) -> None:
    now_s = time.time()
    found = stage.prometheus.get("/api/v1/query_exemplars", query="cx_friction_total", start=now_s - 600, end=now_s)
    exemplars = [each for series in found for each in series["exemplars"]]
    labels = exemplars[0]["labels"]
    assert labels.keys() == {"alert_id", "customer"}
    journey = cxstream("journey", labels["customer"], "--settings", str(stage.workers.file))
    assert journey.returncode == 0, journey.stderr


def test_prometheus_takes_openmetrics(stage: Stage) -> None:
    for target in stage.prometheus.get("/api/v1/targets")["activeTargets"]:
        assert (target["health"], target["lastError"]) == ("up", "")
    kind = stage.prometheus.get("/api/v1/metadata", metric="cx_wait_seconds")["cx_wait_seconds"]
    assert {each["type"] for each in kind} == {"gaugehistogram"}
    assert {each["unit"] for each in kind} == {"seconds"}


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda path: path.stem)
def test_every_command_of_a_runbook_works(stage: Stage, page: Path) -> None:
    commands = [
        line for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL) for line in block.splitlines()
    ]
    assert commands or page.stem == "README"
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "WORKER": f"127.0.0.1:{stage.workers.workers[0].port}",
        "PROMETHEUS": f"127.0.0.1:{stage.prometheus.port}",
        "CXSTREAM_SETTINGS": str(stage.workers.file),
    }
    for command in commands:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, (command, done.stderr)
        assert "Traceback" not in done.stderr
