"""Writes what is made from Python for Prometheus and Grafana: ``python -m deploy``."""

import json
from collections.abc import Iterator
from pathlib import Path

from deploy.grafana import DASHBOARDS
from deploy.prometheus import comparison

HERE = Path(__file__).parent


def files() -> Iterator[tuple[Path, str]]:
    """Every file that is made, and what is in it."""
    yield HERE / "prometheus" / "rules" / "comparison.yml", comparison.text()
    for dashboard in DASHBOARDS:
        path = HERE / "grafana" / "dashboards" / f"{dashboard.uid.removeprefix('cx-')}.json"
        yield path, json.dumps(dashboard.render(), indent=2) + "\n"


def main() -> None:
    """Write all of them."""
    for path, text in files():
        path.write_text(text)


if __name__ == "__main__":
    main()
