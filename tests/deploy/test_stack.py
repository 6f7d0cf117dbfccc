"""docker-compose.yml for real, where a Docker engine runs."""

import json
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from testcontainers.compose import DockerCompose

from agents.brokers.docker import DockerBroker

ROOT = Path(__file__).parents[2]


def ask(url: str) -> Any:
    with urlopen(url, timeout=30) as answer:
        return json.load(answer)


@pytest.mark.timeout(1800)  # it fetches images and compiles
def test_the_stack_comes_up_healthy_and_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    reason = DockerBroker.available()
    if reason is not None:
        pytest.skip(f"no Docker engine: {reason}")
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "cxstream-test")  # its volumes go with it, not those of somebody's own
    with DockerCompose(ROOT, build=True, wait=True):
        targets = ask("http://127.0.0.1:9090/api/v1/targets")["data"]["activeTargets"]
        assert len(targets) == 2
        alertmanagers = ask("http://127.0.0.1:9090/api/v1/alertmanagers")["data"]["activeAlertmanagers"]
        assert len(alertmanagers) == 1
        dashboards = ask("http://127.0.0.1:3000/api/search?type=dash-db")
        assert len(dashboards) == len(list((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json")))
