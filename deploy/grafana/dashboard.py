"""Dashboards: rows of panels on a grid, variables, annotations and links."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from deploy.grafana.panel import DATASOURCE, Json, Panel

COLUMNS = 24
_NOBODY = "^$"
"""What a variable is while all are chosen: series that have no such label."""
_PEOPLE = {"channel": "Channel", "region": "Region", "segment": "Segment", "product": "Product"}


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a title, side by side as far as the grid goes."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard. ``windows`` are the ones to choose from, the first being the usual; none where it is not about
    customers. They are the variable ``period``: links pass variables on by name, and not every window suits every one.
    """

    uid: str
    title: str
    about: str
    windows: Sequence[str]
    rows: Sequence[Row]
    period: Literal["window", "days"] = "window"
    alerts: str = "max by (alert, severity) (cx_alerts_firing) > 0"
    """The expression whose series are marked on every panel."""

    def render(self) -> Json:
        """As Grafana reads it."""
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.about,
            "tags": ["cxstream"],
            "schemaVersion": 39,
            "version": 1,
            "editable": False,
            "refresh": "30s",
            "graphTooltip": 1,
            "time": {"from": "now-6h", "to": "now"},
            "timezone": "browser",
            "templating": {"list": [_datasource(), *self._variables()]},
            "annotations": {"list": [self._annotation()]},
            "links": [_others()],
            "panels": list(self._panels()),
        }

    def _variables(self) -> list[Json]:
        if not self.windows:
            return [_query("instance", "Worker", "label_values(cx_recovering_seconds, instance)", ".*")]
        people = (
            _query(name, label, f'label_values(cx_touchpoints{{cut="{name}"}}, {name})', _NOBODY)
            for name, label in _PEOPLE.items()
        )
        return [_window(self.period, self.windows), *people]

    def _annotation(self) -> Json:
        return {
            "name": "Alerts",
            "datasource": DATASOURCE,
            "enable": True,
            "iconColor": "red",
            "expr": self.alerts,
            "step": "60s",
            "titleFormat": "{{alert}}{{alertname}}",
            "tagKeys": "severity",
            "textFormat": "firing",
        }

    def _panels(self) -> list[Json]:
        found: list[Json] = []
        y = 0
        for row in self.rows:
            position = {"h": 1, "w": COLUMNS, "x": 0, "y": y}
            found.append({"id": len(found) + 1, "type": "row", "title": row.title, "gridPos": position, "panels": []})
            x, y, height = 0, y + 1, 0
            for panel in row.panels:
                if x + panel.width > COLUMNS:
                    x, y, height = 0, y + height, 0
                found.append(panel.render(len(found) + 1, x, y))
                x, height = x + panel.width, max(height, panel.height)
            y += height
        return found


def _datasource() -> Json:
    return {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "current": {}}


def _window(variable: str, names: Sequence[str]) -> Json:
    options = [{"text": name, "value": name, "selected": name == names[0]} for name in names]
    about = "Over how long metrics are read, up to each moment"
    return {
        "name": variable,
        "label": variable.capitalize(),
        "description": about,
        "type": "custom",
        "query": ",".join(names),
        "options": options,
        "current": options[0],
    }


def _query(name: str, label: str, query: str, all_value: str) -> Json:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "definition": query,
        "query": {"query": query, "refId": "variable"},
        "refresh": 2,
        "sort": 1,
        "includeAll": True,
        "allValue": all_value,
        "multi": False,
        "current": {"text": "All", "value": "$__all"},
    }


def _others() -> Json:
    return {
        "type": "dashboards",
        "title": "Customer experience",
        "tags": ["cxstream"],
        "asDropdown": True,
        "includeVars": True,
        "keepTime": True,
    }
