"""Writes what is made for Prometheus, Grafana and Kubernetes: ``python -m deploy``."""

import json
from collections.abc import Iterator
from pathlib import Path

from agents.settings import DEFAULT_RULES
from deploy.grafana import DASHBOARDS
from deploy.prometheus import comparison, operator

HERE = Path(__file__).parent


def files() -> Iterator[tuple[Path, str]]:
    """Every file that is made, and what is in it. One that is made of others comes after them, and reads them then."""
    rules, kubernetes = HERE / "prometheus" / "rules", HERE / "kubernetes"
    yield rules / "comparison.yml", comparison.text()
    yield kubernetes / "monitoring" / "prometheusrule.yaml", operator.text(rules)
    yield (
        kubernetes / "base" / "rules.yaml",
        DEFAULT_RULES.read_text(),
    )  # kustomize takes nothing from outside its folder
    for dashboard in DASHBOARDS:
        path = HERE / "grafana" / "dashboards" / f"{dashboard.uid.removeprefix('cx-')}.json"
        yield path, json.dumps(dashboard.render(), indent=2) + "\n"


def main() -> None:
    """Write all of them."""
    for path, text in files():
        path.write_text(text)


if __name__ == "__main__":
    main()
