"""The metrics on this worker's boards, as Prometheus sees them: one family for each value, with its sample size."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from stream.board import Board
from stream.metrics import METRICS, UNITS
from stream.metrics.definition import define


class BoardCollector(Collector):
    """Reads the boards when asked. Every dimension is a label, empty where the segment does not have it."""

    def __init__(self, boards: Callable[[], Iterable[Board]], dimensions: tuple[str, ...]) -> None:
        self._boards = boards
        self._dimensions = dimensions
        self._formulas = {name: text for metric in METRICS for name, text in define(metric).formulas.items()}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        labels = ("window", *self._dimensions)
        values = {
            name: GaugeMetricFamily(f"cx_{name}", f"{self._formulas[name]}. Unit: {unit}", labels=labels)
            for name, unit in UNITS.items()
        }
        samples = {
            name: GaugeMetricFamily(f"cx_{name}_samples", f"What cx_{name} rests on", labels=labels) for name in UNITS
        }
        for board in self._boards():
            for (segment, window), read in board.readout.current.items():
                of = dict(segment)
                place = (window, *(of.get(name, "") for name in self._dimensions))
                for name, value in read.values.items():
                    values[name].add_metric(place, value.value)
                    samples[name].add_metric(place, value.samples)
        yield from values.values()
        yield from samples.values()
