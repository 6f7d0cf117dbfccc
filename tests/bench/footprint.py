"""``python -m tests.bench.footprint``: what touchpoints leave behind, in bytes; the constants of ``agents/sizing.py``.

Folds them without a broker, in batches as a busy worker gets them. One line of JSON for each number of products.
"""

import json
import sys
from collections import Counter, defaultdict
from functools import partial
from itertools import cycle, islice

import orjson

from stream.cases import KINDS
from stream.cellmail import mail
from stream.config import Config
from stream.driver import Line
from stream.fold import Fold
from stream.keeping import CUSTOMER, scanned
from stream.state import Changes
from stream.totals import PREFIX as CELL
from tests.bench.load import touchpoints

BATCH = 5_000
EVENTS, CUSTOMERS = 200_000, 20_000
_KINDS = {CUSTOMER: "customer", CELL: "cell", **{kind.prefix: kind.title for kind in KINDS}}


def main() -> None:
    for products in (10, 100, 1_000, 10_000):
        sys.stdout.write(json.dumps({"products": products, **_footprint(products)}) + "\n")


def _footprint(products: int) -> dict[str, float]:
    store: dict[bytes, bytes] = {}
    fold = Fold(Config(max_segments=20_000), "touchpoints", 0, store.get, scan=partial(scanned, store))
    sent: Counter[str] = Counter()
    events = 0
    names = cycle(range(products))
    pairs = touchpoints(EVENTS, CUSTOMERS)
    while batch := list(islice(pairs, BATCH)):
        records = [
            Line(events + at, key, orjson.dumps(orjson.loads(value) | {"product": f"p{next(names)}"}))
            for at, (key, value, time_ms) in enumerate(batch)
        ]
        events += len(records)
        folded = fold.process(records, batch[-1][2])
        sent["cells"] += len(folded.cells)
        sent["cells_bytes"] += _size({k: v for pairs in mail(folded, 0, 1, 0).values() for k, v in pairs})
        sent["changelog_bytes"] += _size(folded.changes)
        _write(store, folded.changes)
        fold.settle()
    per_touchpoint = {f"{name}_per_touchpoint": round(number / events, 2) for name, number in sent.items()}
    kept: dict[str, list[int]] = defaultdict(list)
    for key, value in store.items():
        if key[:1] in _KINDS:
            kept[_KINDS[key[:1]]].append(len(key) + len(value))
    return per_touchpoint | {
        f"bytes_of_a_{kind}": round(sum(sizes) / len(sizes)) for kind, sizes in sorted(kept.items())
    }


def _size(changes: Changes) -> int:
    return sum(len(key) + len(value or b"") for key, value in changes.items())


def _write(store: dict[bytes, bytes], changes: Changes) -> None:
    for key, value in changes.items():
        if value is None:
            store.pop(key, None)
        else:
            store[key] = value


if __name__ == "__main__":
    main()
