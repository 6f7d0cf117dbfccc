"""The rules of Prometheus as a resource of its operator, for Kubernetes."""

from pathlib import Path

import yaml

_HEAD = "# Made by `make docs` from deploy/prometheus/rules: change them there.\n"


def text(rules: Path) -> str:
    """A PrometheusRule with the groups of every file of a folder."""
    groups = [group for path in sorted(rules.glob("*.yml")) for group in yaml.safe_load(path.read_text())["groups"]]
    resource = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "cxstream", "labels": {"app.kubernetes.io/name": "cxstream"}},
        "spec": {"groups": groups},
    }
    return _HEAD + yaml.safe_dump(resource, sort_keys=False, width=200)
