"""The lives of tickets, the naive way: lists of events in order of their times."""

from itertools import pairwise
from typing import Any

Event = dict[str, Any]


def lives(events: list[Event]) -> list[list[Event]]:
    """The touchpoints of each ticket in order of their times; those at one moment stay in order of arrival."""
    found: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        if event.get("ticket") is not None:
            found.setdefault((event["customer"], event["ticket"]), []).append(event)
    return [sorted(life, key=lambda event: event["time"]) for life in found.values()]


def resolved(life: list[Event]) -> int | None:
    """Which event of a ticket is its resolution; None where it is not resolved, or merged into another."""
    types = [event["type"] for event in life]
    if "ticket.merged" in types:
        return None
    since = max((at for at, kind in enumerate(types) if kind == "ticket.reopened"), default=-1)
    last = [at for at, kind in enumerate(types) if kind == "ticket.resolved" and at > since]
    closed = [at for at, kind in enumerate(types) if kind == "ticket.closed" and at > since]
    if last and closed and last[0] > closed[0]:
        return last[-1]
    return last[-1] if last else closed[0] if closed else None


def is_message(event: Event) -> bool:
    """A message that the customer wrote."""
    wrote = event["type"] in ("ticket.replied", "chat.message") and event["author"] == "customer"
    return wrote or event["type"] == "email.received"


def replies(life: list[Event]) -> list[int]:
    """Where a human agent replied in public."""
    return [
        at
        for at, event in enumerate(life)
        if event["type"] in ("ticket.replied", "chat.message") and event["author"] == "agent" and event.get("public", 1)
    ]


def contacts(life: list[Event]) -> int:
    """Contact episodes: the opening, then each return to us. Messages of one chat session are one."""
    turns = [at for at, event in enumerate(life) if turns_to_us(event, life[:at])]
    answered = replies(life)
    number, sessions = 0, set()
    for before, at in zip([None, *turns], turns, strict=False):
        event = life[at]
        returns = event["type"] in ("call.started", "ticket.reopened") or (
            before is not None and any(before < reply < at for reply in answered)
        )
        if before is None or (returns and event.get("session") not in sessions):
            number += 1
        if event.get("session") is not None:
            sessions.add(event["session"])
    return number


def turns_to_us(event: Event, before: list[Event]) -> bool:
    if event["type"] == "ticket.opened":
        return not any(turns_to_us(other, []) for other in before)
    called = event["type"] == "call.started" and event.get("direction", "inbound") == "inbound"
    return is_message(event) or called or event["type"] == "ticket.reopened"


def teams(life: list[Event]) -> int:
    """Changes of team, and one."""
    about = {"ticket.opened": "team", "ticket.assigned": "team", "chat.handed_off": "to_team"}
    named = [event[about[event["type"]]] for event in life if about.get(event["type"], "") in event]
    return 1 + sum(one != other for one, other in pairwise(named))
