"""``cxstream status``: how far the workers are, by partition, and who they are."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import typer
from kafka import TopicPartition
from kafka.errors import KafkaError
from msgspec import DecodeError, Struct, field, json
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agents import topics as kafka_topics
from agents.cli.options import Bootstrap, SettingsFile
from agents.cli.tables import print_table
from agents.clock import now_ms
from agents.reader import Reader, reading
from agents.settings import Settings, load
from stream.errors import CxstreamError
from stream.ranges import Ledger, begun_ms
from stream.rules.shown import duration
from stream.slices import Calendar
from stream.spans import written


class PartitionStatus(Struct, kw_only=True):
    """One partition. ``end`` is the offset of its next record.

    Of topics that workers read: ``included`` is the first offset that they have yet to include (None: they have told
    nothing), ``lag`` the number of offsets from there. Of touchpoints: ``watermark``, the latest event time, and its
    ``delay`` to the clock; all in milliseconds, None before the first event.
    """

    topic: str
    partition: int
    end: int
    included: int | None = None
    lag: int | None = None
    watermark_ms: int | None = field(default=None, name="watermark")
    delay_ms: int | None = field(default=None, name="delay")


class WorkerStatus(Struct):
    """A member of the group, and how many partitions it reads, by topic."""

    member: str
    host: str
    partitions: dict[str, int]


class Status(Struct, kw_only=True):
    """``group_state`` and ``workers`` are None where the broker does not tell. ``lag`` is that of touchpoints."""

    group: str
    group_state: str | None
    workers: list[WorkerStatus] | None
    touchpoints: int
    lag: int
    watermark_ms: int | None = field(name="watermark")
    delay_ms: int | None = field(name="delay")
    partitions: list[PartitionStatus]


def status(
    output: Annotated[Literal["table", "json"], typer.Option("--format", help="For people or programs.")] = "table",
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
) -> None:
    """Show lag and watermark of each partition, and the workers."""
    settings = load(settings_file, bootstrap=bootstrap)
    found = _status(settings)
    if output == "json":
        typer.echo(json.encode(found))
    else:
        _show(found, settings.config.calendar)


def _status(settings: Settings) -> Status:
    """How things stand. What has been included is asked before where the topics end: lag is never too small."""
    with kafka_topics.admin(settings.cluster) as client:
        try:
            committed = client.list_group_offsets(settings.id).get(settings.id, {})
            state, workers = _group(client, settings.id)
        except KafkaError as error:
            raise CxstreamError(f"the brokers do not tell about group {settings.id}: {error}") from None
    included = {at: offset.offset for at, offset in committed.items() if offset.offset >= 0}
    with reading(settings.cluster) as reader:
        names = [topic.name for topic in kafka_topics.topics(settings)]
        cells = reader.ends([settings.topic("cells")])
        ledger = _watermarks(reader, settings, cells)
        for partition, watermark in ledger.watermarks.items():
            at = TopicPartition(settings.topic("touchpoints"), partition)
            included[at] = max(included.get(at, 0), watermark.offset + 1)
        ends = reader.ends(names)
    return _put_together(settings, state, workers, [_partition(settings, *of, included, ledger) for of in ends.items()])


def _group(client: Any, group: str) -> tuple[str | None, list[WorkerStatus] | None]:
    """State and members of a group; None for what the broker does not tell (the embedded one tells neither)."""
    listed = {each["group_id"]: each.get("group_state") for each in client.list_groups()}
    if group not in listed:
        return "Empty", []
    state = None if listed[group] in (None, "", "Unknown") else listed[group]
    try:
        described = client.describe_groups([group])[group]
    except (KafkaError, ValueError):
        return state, None
    return described["group_state"], [_worker(member) for member in described["members"]]


def _worker(member: Mapping[str, Any]) -> WorkerStatus:
    assignment = member["member_assignment"]
    assigned = assignment["assigned_partitions"] if isinstance(assignment, dict) else []
    partitions = {each["topic"]: len(each["partitions"]) for each in assigned}
    return WorkerStatus(member["member_id"], member["client_host"].lstrip("/"), partitions)


def _watermarks(reader: Reader, settings: Settings, cells: Mapping[TopicPartition, tuple[int, int]]) -> Ledger:
    """The watermarks: every partition of ``cells`` has all of them, so the one with the least records is read."""
    ledger = Ledger(settings.config)
    smallest = min(cells, key=lambda at: (cells[at][1] - cells[at][0], at.partition))
    for record in reader.read(smallest.topic, [smallest.partition]):
        try:
            ledger.merge(record.key, record.value)
        except DecodeError:
            continue
    return ledger


def _partition(
    settings: Settings,
    at: TopicPartition,
    span: tuple[int, int],
    included: Mapping[TopicPartition, int],
    ledger: Ledger,
) -> PartitionStatus:
    found = PartitionStatus(topic=at.topic, partition=at.partition, end=span[1])
    touchpoints = settings.topic("touchpoints")
    if at.topic in (touchpoints, settings.topic("cells"), *settings.sources):
        found.included = included.get(at)
        found.lag = max(0, span[1] - max(span[0], found.included or 0))
    watermark = ledger.watermarks.get(at.partition)
    if at.topic == touchpoints and watermark is not None:
        found.watermark_ms = begun_ms(watermark)
        found.delay_ms = None if found.watermark_ms is None else now_ms() - found.watermark_ms
    return found


def _put_together(
    settings: Settings, state: str | None, workers: list[WorkerStatus] | None, partitions: list[PartitionStatus]
) -> Status:
    touchpoints = [each for each in partitions if each.topic == settings.topic("touchpoints")]
    latest_ms = max((each.watermark_ms for each in touchpoints if each.watermark_ms is not None), default=None)
    return Status(
        group=settings.id,
        group_state=state,
        workers=workers,
        touchpoints=sum(each.end for each in touchpoints),
        lag=sum(each.lag or 0 for each in touchpoints),
        watermark_ms=latest_ms,
        delay_ms=None if latest_ms is None else now_ms() - latest_ms,
        partitions=partitions,
    )


def _show(found: Status, calendar: Calendar) -> None:
    table = Table("topic", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("partition", "end", "included", "lag", "watermark", "delay"):
        table.add_column(name, justify="right", no_wrap=True)
    before = ""
    for each in found.partitions:
        if before and before != each.topic:
            table.add_section()
        before = each.topic
        table.add_row(*_row(each, calendar))
    print_table(table)
    for line in (_group_line(found), *_workers(found), _totals(found, calendar)):
        Console().print(Text(line), soft_wrap=True)


def _row(of: PartitionStatus, calendar: Calendar) -> list[Text]:
    is_read = of.lag is not None
    watermark = "" if of.watermark_ms is None else written(of.watermark_ms, calendar)
    delay = "" if of.delay_ms is None else duration(of.delay_ms / 1000)
    included = "–" if of.included is None else f"{of.included:,}"
    return [
        Text(of.topic),
        Text(str(of.partition)),
        Text(f"{of.end:,}"),
        Text(included if is_read else ""),
        Text(f"{of.lag:,}" if is_read else "", "yellow" if of.lag else ""),
        Text(watermark),
        Text(delay),
    ]


def _group_line(found: Status) -> str:
    count = "workers unknown: this broker does not tell" if found.workers is None else f"workers: {len(found.workers)}"
    state = "" if found.group_state is None else f" ({found.group_state})"
    return f"group {found.group}{state}, {count}"


def _workers(found: Status) -> list[str]:
    return [
        f"  {worker.member} at {worker.host}: "
        + (", ".join(f"{count} of {topic}" for topic, count in sorted(worker.partitions.items())) or "nothing yet")
        for worker in found.workers or []
    ]


def _totals(found: Status, calendar: Calendar) -> str:
    counted = f"{found.touchpoints:,} touchpoint records, {found.lag:,} not yet included"
    if found.watermark_ms is None or found.delay_ms is None:
        return f"{counted}; no event has been counted yet"
    return f"{counted}; latest event {written(found.watermark_ms, calendar)}, {duration(found.delay_ms / 1000)} ago"
