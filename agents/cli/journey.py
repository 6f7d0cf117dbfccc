"""``cxstream journey``: one customer's touchpoints over all channels, and what each was to the journey."""

from typing import Annotated, Literal

import orjson
import typer
from msgspec import DecodeError, Struct, field, json
from msgspec.structs import replace
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from agents.cli.options import Bootstrap, SettingsFile
from agents.cli.tables import print_table
from agents.clock import now_ms
from agents.placing import partition_of
from agents.reader import Reader, printable, reading
from agents.settings import Settings, load
from schemas.handover import Handover
from schemas.identity import CustomerIdentified
from schemas.touchpoint import Touchpoint
from stream.decode import decode_one
from stream.errors import CxstreamError
from stream.facts import Began, HandedOver, Moved, PathTaken
from stream.itinerary import Itinerary, Leg, itinerary
from stream.journey import JourneyFact
from stream.present import present
from stream.rules.shown import duration
from stream.slices import EARLIEST_MS, Calendar
from stream.spans import moment, written

_DETAILS = (
    "page",
    "screen",
    "goal",
    "author",
    "direction",
    "action",
    "order",
    "error",
    "subject",
    "into",
    "plan",
    "previous",
)
"""Fields that say more of a touchpoint than its type, where it has them."""


class _When(Struct):
    time_ms: int = field(name="time", default=0)


_when = json.Decoder(_When).decode


def journey(
    customer: Annotated[str, typer.Argument(help="The customer's id.")],
    as_of: Annotated[str | None, typer.Option(help="As it stood then; now is the time of the last event.")] = None,
    output: Annotated[Literal["table", "json"], typer.Option("--format", help="For people or programs.")] = "table",
    bootstrap: Bootstrap = None,
    settings_file: SettingsFile = None,
) -> None:
    """Show one customer's journey over all channels: touchpoints, stages, handoffs and lapses, in order of time."""
    settings = load(settings_file, bootstrap=bootstrap)
    calendar = settings.config.calendar
    with reading(settings.cluster) as reader:
        events, ids, latest_ms = _events(reader, settings, customer)
    if as_of is not None:
        latest_ms, is_date = moment(as_of, calendar)
        latest_ms = calendar.day_end_ms(latest_ms) - 1 if is_date else latest_ms
        events = [event for event in events if event.time_ms <= latest_ms]
    if not events:
        raise CxstreamError(f"nothing is known of the customer `{printable(customer)}`")
    found = itinerary(events, settings.config, latest_ms)
    persona = present(_of(customer, events), settings.config, latest_ms) if settings.config.personas else None
    if output == "json":
        typer.echo(orjson.dumps(_as_json(customer, sorted(ids), found, persona)))
    else:
        _show(_known_as(customer, ids), found, persona, calendar, latest_ms)


def _events(reader: Reader, settings: Settings, customer: str) -> tuple[list[Touchpoint], set[str], int]:
    """The touchpoints of all ids of a customer in order of arrival, those ids, and the time of the latest event there.

    An id is looked for where its key says that it should be; anywhere, where nothing is found there.
    """
    topic = settings.topic("touchpoints")
    number = len(reader.partitions(topic))
    found: list[Touchpoint] = []
    ids: set[str] = set()
    new, latest_ms = {customer}, 0
    while new:
        likely = {partition_of(each.encode(), number) for each in new}
        some, others, reached_ms = _read(reader, settings, likely, new)
        latest_ms = max(latest_ms, reached_ms)
        if not some and not ids:
            some, others, latest_ms = _read(reader, settings, set(range(number)) - likely, new)
        found += some
        ids |= new
        new = others - ids
    return found, ids, latest_ms


def _read(
    reader: Reader, settings: Settings, partitions: set[int], ids: set[str]
) -> tuple[list[Touchpoint], set[str], int]:
    """The touchpoints of some ids in some partitions, other ids of the same customer, and the time of the latest."""
    found: list[Touchpoint] = []
    others: set[str] = set()
    keys = {each.encode() for each in ids}
    latest_ms, horizon_ms = 0, now_ms() + settings.config.future_ms
    for record in reader.read(settings.topic("touchpoints"), sorted(partitions)) if partitions else ():
        try:
            time_ms = _when(record.value or b"").time_ms
        except DecodeError:
            continue
        if EARLIEST_MS <= time_ms <= horizon_ms:
            latest_ms = max(latest_ms, time_ms)
        elif time_ms:
            continue
        if record.key in keys:
            outcome = decode_one(record.value, settings.config.max_record_bytes)
            if isinstance(outcome, Handover) and outcome.into is not None:
                others.add(outcome.into)
            elif isinstance(outcome, Touchpoint) and outcome.customer in ids:
                found.append(outcome)
                if isinstance(outcome, CustomerIdentified):
                    others.add(outcome.previous)
    return found, others, latest_ms


def _of(customer: str, events: list[Touchpoint]) -> list[Touchpoint]:
    """The touchpoints of all ids of a customer by one of them."""
    return [replace(event, customer=customer) for event in events]


def _known_as(customer: str, ids: set[str]) -> str:
    """The customer, and other ids of theirs."""
    others = ", ".join(map(printable, sorted(ids - {customer})))
    return f"{printable(customer)} (also {others})" if others else printable(customer)


def _as_json(customer: str, ids: list[str], found: Itinerary, persona: str | None) -> dict[str, object]:
    legs = [
        {
            "time": leg.time_ms,
            "event": None if leg.event is None else leg.event.id,
            "type": None if leg.event is None else _type(leg.event),
            "channel": None if leg.event is None else leg.event.channel,
            "turns": [text for fact in leg.turns if (text := _said(fact))],
        }
        for leg in found.legs
    ]
    stage = {"stage": found.stage, "since": found.since_ms, "persona": persona}
    return {"customer": customer, "ids": ids, **stage, "touchpoints": legs}


def _show(customer: str, found: Itinerary, persona: str | None, calendar: Calendar, until_ms: int) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("time", "channel", "touchpoint", ""):
        table.add_column(name, no_wrap=name != "")
    for leg in found.legs:
        table.add_row(written(leg.time_ms // 1000 * 1000, calendar), *_cells(leg))
    console = print_table(table)
    touchpoints = [leg.event for leg in found.legs if leg.event is not None]
    channels = ", ".join(dict.fromkeys(event.channel for event in touchpoints))
    if found.stage is None:
        stage = "no step of a journey yet"
    else:
        stage = f"{found.stage} for {duration(max(0, until_ms - found.since_ms) / 1000)}"
    if persona is not None:
        stage = f"{stage}; persona {persona}"
    console.print(f"{customer}: {stage}; {len(touchpoints):,} touchpoints on {channels}", highlight=False)


def _cells(leg: Leg) -> tuple[Text, Text, Text]:
    said = Text(", ".join(text for fact in leg.turns if (text := _said(fact))))
    if leg.event is None:
        return Text(""), Text("nothing heard for long", "dim"), said
    style = "" if leg.turns or leg.event.by_customer else "dim"
    return Text(leg.event.channel, style), Text(printable(_named(leg.event)), style), said


def _named(event: Touchpoint) -> str:
    """A touchpoint in a few words."""
    details = [str(value) for name in _DETAILS if (value := getattr(event, name, None)) is not None]
    if (score := getattr(event, "score", None)) is not None:
        details.append(f"{getattr(event, 'kind', '')} {score}")
    if event.ticket is not None:
        details.append(f"ticket {event.ticket}")
    return " ".join([_type(event), *details])


def _type(event: Touchpoint) -> str:
    return str(event.__struct_config__.tag)


def _said(fact: JourneyFact) -> str:
    """What a turn of the journey is, in words; nothing where another one says it."""
    if isinstance(fact, Moved):
        return f"→ {fact.stage}" if fact.before is None else f"{fact.before} → {fact.stage}"
    if isinstance(fact, HandedOver):
        same = {True: ", same ticket", False: ", another ticket", None: ""}[fact.same_ticket]
        return f"from {fact.before}{same}"
    if isinstance(fact, PathTaken) and len(fact.channels) > 1:
        return f"bought after {' → '.join(fact.channels)}"
    return "a journey begins" if isinstance(fact, Began) else ""
