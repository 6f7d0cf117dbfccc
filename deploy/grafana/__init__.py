"""Grafana's dashboards, made here: `make docs` writes deploy/grafana/dashboards."""

from deploy.grafana.friction import FRICTION
from deploy.grafana.journeys import JOURNEYS
from deploy.grafana.overview import OVERVIEW
from deploy.grafana.pipeline import PIPELINE
from deploy.grafana.retention import RETENTION
from deploy.grafana.support import SUPPORT

DASHBOARDS = (OVERVIEW, JOURNEYS, FRICTION, SUPPORT, RETENTION, PIPELINE)
"""Every dashboard, the first one being where to begin."""
