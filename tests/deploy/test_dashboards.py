"""Dashboards: what is committed is what the code makes, and every panel can be read by somebody who knows customers."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents.gauges import HELPS
from agents.naming import family
from deploy.__main__ import files
from deploy.grafana import DASHBOARDS
from deploy.grafana.panel import UNITS as GRAFANA_UNITS
from stream.metrics import UNITS

DEPLOY = Path(__file__).parents[2] / "deploy"
COMMITTED = {path.stem: json.loads(path.read_text()) for path in (DEPLOY / "grafana" / "dashboards").glob("*.json")}
PANELS = [
    pytest.param(panel, id=f"{name}: {panel['title']}")
    for name, dashboard in sorted(COMMITTED.items())
    for panel in dashboard["panels"]
    if panel["type"] != "row"
]
EVERYWHERE = {"window", "days", "datasource", "channel", "region", "segment", "product", "instance"}
GLOBAL = {"__rate_interval", "__url_time_range", "__all_variables", "__all"}


@pytest.mark.parametrize(("path", "text"), [pytest.param(*each, id=each[0].name) for each in files()])
def test_what_is_committed_is_what_the_code_makes(path: Path, text: str) -> None:
    assert path.read_text() == text, "`make docs` writes it anew"


def test_no_dashboard_is_left_over() -> None:
    assert len(COMMITTED) == len(DASHBOARDS) == 6
    assert {dashboard["uid"] for dashboard in COMMITTED.values()} == {each.uid for each in DASHBOARDS}


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_says_what_it_answers_and_in_which_unit(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith("?") or "? " in panel["description"]
    assert panel["fieldConfig"]["defaults"]["unit"] in GRAFANA_UNITS.values()
    assert panel["targets"]


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_asks_the_datasource_that_is_chosen(panel: dict[str, Any]) -> None:
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    assert panel["datasource"] == chosen
    assert all(target["datasource"] == chosen for target in panel["targets"])
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


@pytest.mark.parametrize("name", COMMITTED)
def test_no_two_panels_have_one_id_or_title(name: str) -> None:
    panels = COMMITTED[name]["panels"]
    for key in ("id", "title"):
        assert max(Counter(panel[key] for panel in panels).values()) == 1


@pytest.mark.parametrize("name", COMMITTED)
def test_panels_fill_the_grid_and_do_not_overlap(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in COMMITTED[name]["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken
        taken |= cells
    bottom = max(y for _, y in taken) + 1
    assert len(taken) == 24 * bottom, "there is a hole"


@pytest.mark.parametrize("name", COMMITTED)
def test_variables_that_are_used_are_there(name: str) -> None:
    dashboard = COMMITTED[name]
    declared = {variable["name"] for variable in dashboard["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z_]+)", json.dumps(dashboard["panels"]))) - GLOBAL
    assert used == declared
    assert declared <= EVERYWHERE


@pytest.mark.parametrize("name", COMMITTED)
def test_links_lead_to_dashboards_that_are_there(name: str) -> None:
    dashboard = COMMITTED[name]
    targets = re.findall(r'"/d/([a-z-]+)\?', json.dumps(dashboard["panels"]))
    assert set(targets) <= {each["uid"] for each in COMMITTED.values()} - {dashboard["uid"]}
    assert targets or name == "pipeline-health"
    assert dashboard["links"][0]["tags"] == dashboard["tags"]


def test_every_metric_that_is_asked_for_exists() -> None:
    """Of the metrics of segments; those of the pipeline are asked of a worker, see test_live.py."""
    known = {family(name) for name in UNITS}
    text = json.dumps([each for name, each in COMMITTED.items() if name != "pipeline-health"])
    asked = set(re.findall(r"\bcx_[a-z0-9_]+", text))
    own = {*HELPS, "cx_alert_transitions_total", "cx_friction_total"}
    own |= {"cx_alerts_open", "cx_alert_escalations_total"}  # of the desk
    others = {
        name for name in asked - known if not name.endswith("_bucket") and name.removesuffix("_samples") not in known
    }
    assert others == own


def test_what_two_workers_tell_during_a_handover_is_not_counted_twice() -> None:
    """What boards tell goes from one worker to the next with its partition; only counters are each worker's own."""
    told = {f"{family(name)}{end}" for name in UNITS for end in ("", "_samples")} | set(HELPS)
    told |= {name for name in re.findall(r"cx_\w+_bucket", json.dumps(COMMITTED)) if "_acknowledgement_" not in name}
    told -= {name for name in told if name.startswith(("cx_commit_", "cx_batch_"))}
    exprs = [
        target["expr"] for each in COMMITTED.values() for panel in each["panels"] for target in panel.get("targets", ())
    ]
    exprs += [each["expr"] for board in COMMITTED.values() for each in board["annotations"]["list"]]
    twice = [
        expr
        for expr in exprs
        for found in re.finditer(r"(?<![\w:])cx_\w+", expr)
        if found[0] in told
        and not re.search(r"\bmax (without \(instance\)|by \([a-z_, ]+\)) \($", expr[: found.start()])
    ]
    assert twice == []


def test_grafana_is_given_the_datasource_and_the_folder() -> None:
    provisioning = DEPLOY / "grafana" / "provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())["datasources"]
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "cxstream.yml").read_text())["providers"]
    assert (source["type"], source["isDefault"]) == ("prometheus", True)
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards"
