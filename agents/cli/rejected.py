"""``cxstream rejected``: records that could not become touchpoints, by reason, and the last of them."""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Literal

import typer
from msgspec import DecodeError, json
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agents.cli.options import Bootstrap, SettingsFile
from agents.cli.tables import print_table
from agents.reader import KafkaRecord, printable, reading
from agents.settings import load
from schemas.rejected import Reason, Rejected
from stream.errors import CxstreamError
from stream.mapping.nodes import suggestion

_decode = json.Decoder(Rejected).decode
_SHOWN_CHARACTERS = 160


class Rejections:
    """The records on the rejected topic. An origin counts once, however often a worker has sent it."""

    def __init__(self, reasons: Iterable[str], last: int) -> None:
        self._reasons = set(reasons)
        self._last = last
        self._origins: set[tuple[str, int, int]] = set()
        self.counts: Counter[str] = Counter()
        self.latest: list[Rejected] = []
        self.foreign = 0

    def add(self, record: KafkaRecord) -> None:
        """Count a record, unless its origin is known or its reason not asked for."""
        if record.value is None:
            return
        try:
            rejected = _decode(record.value)
        except DecodeError:
            self.foreign += 1
            return
        origin = (rejected.topic, rejected.partition, rejected.offset)
        if origin in self._origins or (self._reasons and rejected.reason not in self._reasons):
            return
        self._origins.add(origin)
        self.counts[rejected.reason.value] += 1
        self.latest.append(rejected)
        if len(self.latest) > self._last:
            del self.latest[0]


def rejected(
    reason: Annotated[list[str] | None, typer.Option(help="Only this reason.")] = None,
    last: Annotated[int, typer.Option(min=0, help="How many of the last records to show.")] = 10,
    output: Annotated[Literal["table", "json"], typer.Option("--format", help="For people or programs.")] = "table",
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
) -> None:
    """Count rejected records by reason, and show the last with where they came from."""
    reasons = [one.value for one in Reason]
    for name in reason or ():
        if name not in reasons:
            raise CxstreamError(f"there is no reason `{name}`{suggestion(name, reasons)}")
    settings = load(settings_file, bootstrap=bootstrap)
    found = Rejections(reason or (), last)
    with reading(settings.cluster) as reader:
        for record in reader.read(settings.topic("rejected")):
            found.add(record)
    counts = dict(found.counts.most_common())
    if output == "json":
        typer.echo(json.encode({"total": sum(counts.values()), "reasons": counts, "records": found.latest}))
    else:
        _show(counts, found)


def _show(counts: dict[str, int], found: Rejections) -> None:
    total = sum(counts.values())
    if not total:
        Console().print("nothing was rejected")
    else:
        print_table(_reasons(counts, total))
    for one in found.latest:
        Console().print(_lines(one), soft_wrap=True)
    if found.foreign:
        typer.echo(f"rejected: left out {found.foreign:,} records that are no rejections", err=True)


def _reasons(counts: dict[str, int], total: int) -> Table:
    table = Table("reason", box=SIMPLE_HEAD, pad_edge=False, show_footer=len(counts) > 1)
    table.columns[0].footer = "total"
    table.add_column("records", f"{total:,}", justify="right")
    for name, count in counts.items():
        table.add_row(name, f"{count:,}")
    return table


def _lines(one: Rejected) -> Text:
    """Where a record came from and why it was rejected; then its detail, and its value where it has one."""
    head = Text(printable(f"{one.topic}-{one.partition}@{one.offset}  "), end="")
    head.append(one.reason.value, "bold")
    head.append(f"  {one.size:,} bytes\n", "dim")
    head.append(f"  {_cut(one.detail)}\n")
    return head.append(f"  {_cut(one.value)}\n", "dim") if one.value else head


def _cut(text: str) -> str:
    safe = printable(text[: _SHOWN_CHARACTERS + 1])
    return safe if len(safe) <= _SHOWN_CHARACTERS else safe[: _SHOWN_CHARACTERS - 1] + "…"
