"""Panels: what they ask, in which unit, and how Grafana is to show the answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]
DATASOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
Kind = Literal["stat", "timeseries", "bargauge", "heatmap", "table"]

UNITS = {
    "score": "none",
    "ratio": "percentunit",
    "seconds": "s",
    "count": "short",
    "per second": "cps",
    "bytes": "bytes",
    "money": "none",
    "boolean": "bool",
}
"""Grafana's name of each unit."""
_AT_ONCE = ("stat", "bargauge", "table")
"""Kinds that show how it is now."""


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression, and what its series are called: ``{{channel}}`` stands for a label's value.

    ``exemplars``: single cases are shown as well, as far as workers tell of them.
    """

    expr: str
    legend: str
    exemplars: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. ``question`` is what it answers; ``leads_to`` names the dashboard that has more.

    ``better`` colours what is told of the change: whether more is better, or less.
    """

    kind: Kind
    title: str
    question: str
    unit: str
    queries: Sequence[Query]
    width: int = 8
    height: int = 8
    decimals: int | None = None
    leads_to: str | None = None
    better: Literal["more", "less"] | None = None
    options: Json = field(default_factory=dict)
    transformations: Sequence[Json] = ()
    stacked: bool = False

    def render(self, number: int, x: int, y: int) -> Json:
        """As Grafana reads it; ``number`` tells panels of a dashboard apart."""
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.question,
            "datasource": DATASOURCE,
            "gridPos": {"h": self.height, "w": self.width, "x": x, "y": y},
            "targets": [self._target(*each) for each in enumerate(self.queries)],
            "fieldConfig": {"defaults": self._defaults(), "overrides": self._overrides()},
            "options": self._options(),
            "transformations": list(self.transformations),
            "links": [] if self.leads_to is None else [link(self.leads_to)],
        }

    def _target(self, number: int, query: Query) -> Json:
        at_once = self.kind in _AT_ONCE
        return {
            "refId": chr(ord("A") + number),
            "datasource": DATASOURCE,
            "editorMode": "code",
            "expr": query.expr,
            "legendFormat": query.legend,
            "instant": at_once,
            "range": not at_once,
            "exemplar": query.exemplars,
            "format": {"table": "table", "heatmap": "heatmap"}.get(self.kind, "time_series"),
        }

    def _defaults(self) -> Json:
        found: Json = {"unit": UNITS[self.unit], "noValue": "no data"}
        if self.decimals is not None:
            found["decimals"] = self.decimals
        if self.unit == "ratio":
            found |= {"min": 0}
        if self.kind != "timeseries":
            plain = {"color": "blue" if self.kind == "bargauge" else "text", "value": None}
            found["thresholds"] = {"mode": "absolute", "steps": [plain]}
        else:
            found["color"] = {"mode": "palette-classic"}
            found["custom"] = {
                "lineWidth": 2,
                "fillOpacity": 40 if self.stacked else 8,
                "showPoints": "never",
                "stacking": {"mode": "normal" if self.stacked else "none", "group": "A"},
            }
        return found

    def _overrides(self) -> list[Json]:
        """The change is signed, and green where it is for the better."""
        if self.better is None:
            return []
        up, down = ("green", "red") if self.better == "more" else ("red", "green")
        steps = [{"color": down, "value": None}, {"color": "text", "value": 0}, {"color": up, "value": 1e-9}]
        thresholds = {"id": "thresholds", "value": {"mode": "absolute", "steps": steps}}
        unbounded = {"id": "min", "value": None}
        return [{"matcher": {"id": "byFrameRefID", "options": "B"}, "properties": [thresholds, unbounded]}]

    def _options(self) -> Json:
        now = {"calcs": ["lastNotNull"], "fields": "", "values": False}
        usual: Json = {
            "stat": {"reduceOptions": now, "textMode": "value_and_name", "graphMode": "none", "colorMode": "value"},
            "bargauge": {"reduceOptions": now, "orientation": "horizontal", "displayMode": "basic"},
            "timeseries": {
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
                "tooltip": {"mode": "multi", "sort": "desc"},
            },
            "heatmap": {"calculate": False, "yAxis": {"unit": UNITS[self.unit]}, "color": {"scheme": "Oranges"}},
            "table": {"showHeader": True},
        }
        return {**usual[self.kind], **self.options}


def link(uid: str) -> Json:
    """A link to another dashboard, over the same time and for the same people."""
    title = uid.removeprefix("cx-").replace("-", " ").capitalize()
    return {"title": f"More in {title}", "url": f"/d/{uid}?${{__url_time_range}}&${{__all_variables}}"}
