"""The truth of what was to be in time, of resolutions that stood, and of business hours, the naive way."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fractions import Fraction
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from tests.laws.commerce import Event, Happened, Inside, Numbers, of, ratio, when
from tests.laws.lives import contacts, lives, replies, resolved

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
OPEN = {0: (9, 17), 1: (9, 17), 2: (0, 12), 3: (9, 24), 4: (9, 17), 6: (1, 4)}
"""From which hour to which somebody is there, by the weekday; on Sundays at night, when clocks change."""
HOLIDAY = date(2026, 3, 16)


@dataclass(frozen=True)
class Service:
    """What a deployment promises; ``hours``: also by business hours, ``OPEN`` but for the ``HOLIDAY``."""

    confirm: int
    targets: dict[str, dict[str, int]]
    hours: bool


_REPLY = {"urgent": 30 * MINUTE, "high": 2 * HOUR, "normal": 8 * HOUR, "low": DAY}
_RESOLUTION = {"urgent": 4 * HOUR, "high": DAY, "normal": 3 * DAY, "low": 7 * DAY}
_WAIT = {"urgent": 30 * SECOND, "high": 60 * SECOND, "normal": 120 * SECOND, "low": 300 * SECOND}
USUAL = Service(7 * DAY, {"wait": _WAIT, "first_reply": _REPLY, "resolution": _RESOLUTION}, hours=False)
"""Where the settings say nothing."""
BRISK = Service(2 * DAY, {**USUAL.targets, "wait": {**_WAIT, "urgent": 5 * SECOND}}, hours=True)


@dataclass(frozen=True)
class Ticket:
    """One ticket that is not merged: where it counts (``of``), and when it was opened, answered and resolved."""

    of: Event
    topic: str | None
    priority: str
    opened: int | None
    replied: int | None
    resolved: int | None
    first: bool


def tickets(events: list[Event]) -> Iterator[Ticket]:
    for life in lives(events):
        if of(life, "ticket.merged"):
            continue
        at = resolved(life)
        openings = [number for number, event in enumerate(life) if event["type"] == "ticket.opened"]
        said = min(of(life, "ticket.opened"), key=when, default={})
        opened = replied = None
        if openings:
            opened = life[openings[0]]["time"]
            given = [life[number]["time"] for number in replies(life) if number > openings[0]]
            own = life[openings[0]].get("author", "customer") != "customer"
            replied = given[own] if len(given) > own else None
        until = life[: 0 if at is None else at + 1]
        first = bool(until) and contacts(until) <= 1 and not of(until, "ticket.reopened")
        yield Ticket(
            life[0],
            said.get("topic"),
            said.get("priority", "normal"),
            opened,
            replied,
            None if at is None else life[at]["time"],
            first,
        )


def expected(events: list[Event], inside: Inside, happened: Happened, zone: str, service: Service) -> Numbers:
    return {
        **confirmed(events, happened, service.confirm),
        **waits(events, inside, service.targets["wait"]),
        **first_replies(events, happened, service.targets["first_reply"]),
        **resolutions(events, happened, service.targets["resolution"]),
        **(business(events, happened, zone) if service.hours else {}),
    }


def confirmed(events: list[Event], happened: Happened, period: int) -> Numbers:
    known = list(tickets(events))
    n = stood = 0
    for ticket in known:
        if ticket.resolved is None or not happened(ticket.of, ticket.resolved + period):
            continue
        n += 1
        again = [
            other
            for other in known
            if other is not ticket
            and other.of["customer"] == ticket.of["customer"]
            and ticket.topic is not None
            and other.topic == ticket.topic
            and other.opened is not None
            and ticket.resolved < other.opened <= ticket.resolved + period
        ]
        stood += ticket.first and not again
    return ratio("fcr_confirmed_ratio", stood, n)


def first_replies(events: list[Event], happened: Happened, targets: dict[str, int]) -> Numbers:
    kept = breached = 0
    for ticket in tickets(events):
        if ticket.opened is None:
            continue
        due = ticket.opened + targets[ticket.priority]
        if ticket.replied is not None and ticket.replied <= due:
            kept += happened(ticket.of, ticket.replied)
        elif ticket.resolved is None or ticket.resolved > due:
            breached += happened(ticket.of, due)
    return ratio("first_reply_breach_ratio", breached, kept + breached)


def resolutions(events: list[Event], happened: Happened, targets: dict[str, int]) -> Numbers:
    kept = overdue = 0
    for ticket in tickets(events):
        if ticket.opened is None:
            continue
        due = ticket.opened + targets[ticket.priority]
        if ticket.resolved is None or ticket.resolved > due:
            overdue += happened(ticket.of, due)
        elif ticket.resolved >= ticket.opened:
            kept += happened(ticket.of, ticket.resolved)
    found: Numbers = {"tickets_overdue": (Fraction(overdue), overdue)} if overdue else {}
    return found | ratio("resolution_breach_ratio", overdue, kept + overdue)


def waits(events: list[Event], inside: Inside, targets: dict[str, int]) -> Numbers:
    kept = breached = 0
    for start, over, length in conversations(events):
        if inside(over):
            late = length > targets[start.get("priority", "normal")]
            breached += late
            kept += not late
    return ratio("wait_breach_ratio", breached, kept + breached)


def conversations(events: list[Event]) -> Iterator[tuple[Event, Event, int]]:
    """How each began, by what its wait was over, and how long that was."""
    talks: dict[tuple[Any, ...], list[Event]] = {}
    for event in events:
        medium = event["type"].split(".")[0]
        if medium in ("chat", "call") and event.get("session") is not None:
            talks.setdefault((event["customer"], medium, event["session"]), []).append(event)
    for talk in talks.values():
        starts = [e for e in of(talk, "chat.started", "call.started") if e.get("direction", "inbound") == "inbound"]
        answers = [e for e in of(talk, "call.answered", "chat.message") if e.get("author", "agent") == "agent"]
        ends = of(talk, "chat.ended", "call.ended")
        start, first, end = (min(some, key=when, default=None) for some in (starts, answers, ends))
        if start is None:
            continue
        if first is not None and (end is None or first["time"] <= end["time"]):
            yield start, first, first.get("wait_ms", max(0, first["time"] - start["time"]))
        elif end is not None:
            yield start, end, end["time"] - start["time"]


def business(events: list[Event], happened: Happened, zone: str) -> Numbers:
    found = [
        business_ms(ticket.opened, ticket.resolved, zone)
        for ticket in tickets(events)
        if ticket.opened is not None
        and ticket.resolved is not None
        and ticket.opened <= ticket.resolved
        and happened(ticket.of, ticket.resolved)
    ]
    if not found:
        return {}
    return {"resolution_business_mean_seconds": (Fraction(sum(found), 1000 * len(found)), len(found))}


@lru_cache(maxsize=10_000)
def business_ms(start: int, end: int, zone: str) -> int:
    """Minute by minute, the first and the last of them in part."""
    first = start - start % MINUTE
    return sum(
        min(end, minute + MINUTE) - max(start, minute) for minute in range(first, end, MINUTE) if is_open(minute, zone)
    )


@lru_cache(maxsize=1_000_000)
def is_open(minute: int, zone: str) -> bool:
    shown = datetime.fromtimestamp(minute // SECOND, UTC if zone == "UTC" else ZoneInfo(zone))
    first, last = OPEN.get(shown.weekday(), (0, 0))
    return shown.date() != HOLIDAY and first <= shown.hour < last


def backlog(events: list[Event], day: date, inside: Callable[[Event], bool], zone: str) -> dict[int, int]:
    """Tickets open at the end of a local day, by the days since that of their opening."""
    found: dict[int, int] = {}
    for ticket in tickets(events):
        if ticket.opened is None or not inside(ticket.of) or local(ticket.opened, zone) > day:
            continue
        if ticket.resolved is None or local(ticket.resolved, zone) > day:
            age = (day - local(ticket.opened, zone)).days
            found[age] = found.get(age, 0) + 1
    return found


def local(time: int, zone: str) -> date:
    return datetime.fromtimestamp(time // SECOND, UTC if zone == "UTC" else ZoneInfo(zone)).date()
