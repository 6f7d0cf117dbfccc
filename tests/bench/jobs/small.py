"""The small job on this engine: its transport, lanes, changelog and store, with another fold."""

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import yaml
from msgspec import Struct, json, msgpack

from agents import touchpoints
from agents.cli import main
from stream.config import Config
from stream.fold import Fold
from stream.folded import Folded
from stream.marker import MARKER, Marker
from stream.record import Record
from stream.state import Load
from tests.bench.jobs.stopwatch import BOOTSTRAP, TOPIC, count, finish

_AT_ONCE = 250


class Event(Struct, gc=False):
    """What the job looks at."""

    ts: int
    csat: int | None = None


_decode = json.Decoder(Event).decode_lines
_encode = msgpack.Encoder().encode
_folds: list["SmallFold"] = []


class SmallFold(Fold):
    """Sum and count of scores by key and minute."""

    def __init__(self, config: Config, topic: str, partition: int, load: Load, *_: object) -> None:
        super().__init__(config, topic, partition, load)
        self.windows: dict[tuple[bytes | None, int], list[int]] = {}
        self._next = self.marker
        _folds.append(self)

    def process(self, records: Sequence[Record], now_ms: int, generation: int = 0) -> Folded:
        """Fold records that all are well-formed."""
        touched: dict[tuple[bytes | None, int], list[int]] = {}
        windows, latest_ms = self.windows, self.marker.watermark_ms
        for at in range(0, len(records), _AT_ONCE):
            some = records[at : at + _AT_ONCE]
            lines = b"\n".join([record.value or b"" for record in some])
            for record, event in zip(some, _decode(lines), strict=True):
                score, time_ms = event.csat, event.ts
                if time_ms > latest_ms:
                    latest_ms = time_ms
                if score is not None:
                    place = (record.key, time_ms // 60_000)
                    total = windows.get(place)
                    if total is None:
                        total = windows[place] = [0, 0]
                    total[0] += score
                    total[1] += 1
                    touched[place] = total
        last = records[-1].offset
        self._next = Marker(1, last, latest_ms, generation, records[0].offset, len(records))
        changes: dict[bytes, bytes | None] = {MARKER: self._next.encode()}
        for place, total in touched.items():
            changes[_encode(place)] = _encode(total)
        return Folded(last, latest_ms, changes)

    def settle(self) -> None:
        """The batch is durable."""
        self.marker = self._next
        if count(self.marker.count):
            finish(
                {
                    ((key or b"").decode(), minute): (total[0], total[1])
                    for fold in _folds
                    for (key, minute), total in fold.windows.items()
                }
            )
            os._exit(0)


if __name__ == "__main__":
    file = Path(tempfile.mkdtemp(), "small.yaml")
    prefix = TOPIC.removesuffix("touchpoints")
    file.write_text(yaml.safe_dump({"bootstrap": BOOTSTRAP, "id": f"bench-{os.getpid()}", "prefix": prefix, "port": 0}))
    touchpoints.Fold = SmallFold  # type: ignore[attr-defined, assignment]
    sys.argv[1:] = ["worker", "--settings", str(file)]
    main()
