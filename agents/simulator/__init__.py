"""A seeded population of customers over all channels, with incidents injected at known times."""

from agents.simulator.browsing import browse
from agents.simulator.disturbance import disturb
from agents.simulator.incident import Incident, IncidentError, Kind, parse_incident
from agents.simulator.population import Population
from agents.simulator.producing import ProduceError, produce
from agents.simulator.record import Record, encode

__all__ = [
    "Incident",
    "IncidentError",
    "Kind",
    "Population",
    "ProduceError",
    "Record",
    "browse",
    "disturb",
    "encode",
    "parse_incident",
    "produce",
]
