"""What a worker tells Prometheus: the metrics on its boards, and its own health, as text or OpenMetrics.

Tens of thousands of series are written here line by line: prometheus_client takes ten times as long, as it makes an
object and sorts labels for each sample.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from agents import gauges
from agents.naming import BOUND, CUT, TOTAL, WINDOW, escaped, family, helps, histogram, label_names, unit
from schemas.cell import Segment
from stream.board import Board
from stream.metrics import UNITS, Value
from stream.metrics.durations import BOUNDS_MS

_BOUNDS = tuple(f'{BOUND}="{ms / 1000}"' for ms in BOUNDS_MS)
_ALL = f'{BOUND}="+Inf"'
_END = b"# EOF\n"
_AS_TEXT = {"gauge": "gauge", "gaugehistogram": "histogram"}
"""The kinds of OpenMetrics in the older format, as prometheus_client has them there."""
Lines = defaultdict[str, list[str]]
"""The lines of each family."""
Encoder = Callable[[Collector], bytes]


def encoder(accepted: str) -> tuple[Encoder, str]:
    """What writes a registry for a request that accepts this, and the content type of it.

    >>> encoder("application/openmetrics-text; version=abc")[1]
    'text/plain; version=0.0.4; charset=utf-8'
    """
    try:
        return choose_encoder(accepted)
    except (TypeError, ValueError):  # prometheus_client compares with a number whatever is said to be a version
        return choose_encoder("")


class Exposition:
    """Renders ``boards``, by partition, when asked. A label is absent where the segment does not have the dimension."""

    def __init__(
        self, registry: CollectorRegistry, boards: Callable[[], Mapping[int, Board]], dimensions: tuple[str, ...]
    ) -> None:
        self._registry = registry
        self._boards = boards
        self._names = label_names(dimensions)
        self._helps = dict(_families())
        self._labels: dict[tuple[Segment, str], str] = {}

    def render(self, accepted: str) -> tuple[bytes, str]:
        """What is to be answered to a request that accepts this, and its content type."""
        encode, kind = encoder(accepted)
        health = encode(self._registry)
        is_open = kind.startswith("application/openmetrics-text")
        metrics = "".join(self._text(is_open)).encode()
        if is_open:
            return b"".join((health.removesuffix(_END), metrics, _END)), kind
        return health + metrics, kind

    def _text(self, is_open: bool) -> Iterator[str]:
        lines = self._lines()
        for name, (kind, text) in self._helps.items():
            if name in lines:
                yield f"# HELP {name} {text}\n# TYPE {name} {kind if is_open else _AS_TEXT[kind]}\n"
                if is_open and unit(name):
                    yield f"# UNIT {name} {unit(name)}\n"
                yield from lines[name]

    def _lines(self) -> Lines:
        lines: Lines = defaultdict(list)
        labels: dict[tuple[Segment, str], str] = {}
        boards = self._boards()
        for name, (of, number) in gauges.lines(boards):
            lines[name].append(f"{name}{{{of}}} {number}\n")
        for board in boards.values():
            for place, read in board.readout.current.items():
                if read.values:
                    of = labels[place] = self._labels.get(place) or self._labelled(*place)
                    for name, value in read.values.items():
                        _add(lines, name, of, value)
        self._labels = labels  # those of segments that are gone are forgotten
        return lines

    def _labelled(self, segment: Segment, window: str) -> str:
        cut = ",".join(self._names[name] for name, _ in segment) or TOTAL
        pairs = ((WINDOW, window), (CUT, cut), *((self._names[name], value) for name, value in segment))
        return ",".join(f'{name}="{escaped(value)}"' for name, value in pairs)


_NAMES = {name: (family(name), f"{family(name)}_samples", histogram(name)) for name in UNITS}


def _add(lines: Lines, name: str, labels: str, value: Value) -> None:
    gauge, samples, buckets = _NAMES[name]
    lines[gauge].append(f"{gauge}{{{labels}}} {value.value}\n")
    lines[samples].append(f"{samples}{{{labels}}} {value.samples}\n")
    if buckets is not None and value.at_most is not None:
        found = lines[buckets]
        found.extend(
            f"{buckets}_bucket{{{labels},{bound}}} {count}\n"
            for bound, count in zip(_BOUNDS, value.at_most, strict=True)
        )
        found.append(f"{buckets}_bucket{{{labels},{_ALL}}} {value.samples}\n")


def _families() -> Iterator[tuple[str, tuple[str, str]]]:
    """Every family with its kind and what is said of it."""
    for name, text in helps().items():
        gauge, samples, buckets = _NAMES[name]
        yield gauge, ("gauge", text)
        yield samples, ("gauge", f"What {gauge} rests on: what it is divided by, or else how many were counted for it")
        if buckets is not None:
            of = f"How the durations are distributed whose mean is {gauge}. Unit: seconds"
            yield buckets, ("gaugehistogram", of)
    for name, text in gauges.HELPS.items():
        yield name, ("gauge", text)
