"""The truth of customers' journeys, the naive way: sort what each did, and walk through it."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

Event = dict[str, Any]
Numbers = dict[str, tuple[Fraction, int]]
DAY = 86_400_000
ORDER = ["awareness", "consideration", "purchase", "retention", "advocacy"]
SUPPORT = {"call.started", "email.received", "ticket.opened", "ticket.replied", "ticket.reopened"}


@dataclass(frozen=True)
class Turn:
    """Something that happened on a journey, in the segments of an event."""

    time: int
    of: Event
    what: tuple[Any, ...]


def is_step(event: Event, by_customer: bool) -> bool:
    """What the customer did, or something good said about us."""
    if event["type"] == "review.posted":
        return bool(event["rating"] >= 4)
    return by_customer or (event["type"] == "social.mention" and event.get("sentiment") == "positive")


def wants(event: Event, bought: bool) -> str:
    """The stage that a touchpoint belongs to."""
    kind = event["type"]
    if kind in ("review.posted", "social.mention") or (
        kind == "survey.answered" and event["kind"] == "nps" and event["score"] >= 9
    ):
        return "advocacy"
    if kind in ("purchase.completed", "account.converted"):
        return "retention" if bought else "purchase"
    if kind in SUPPORT or kind == "visit.app":
        return "retention" if bought else "awareness"
    if kind in ("chat.started", "chat.message"):
        return "retention" if bought else "consideration"
    if kind in ("visit.cart", "account.trial_started") or (
        kind == "visit.page" and event["page"].lstrip("/").startswith("product")
    ):
        return "consideration"
    return "awareness"


def turns(steps: list[Event], now: int) -> list[Turn]:
    """All turns of one customer's journeys; ``steps`` are in order of their times."""
    found: list[Turn] = []
    stage, since, bought, journeys = "", 0, False, list[list[Event]]()
    for before, event in zip([None, *steps], [*steps, None], strict=True):
        quiet = before is not None and (now if event is None else event["time"]) >= before["time"] + 30 * DAY
        if before is not None and quiet:
            at = before["time"] + 30 * DAY
            found.append(Turn(at, before, ("moved", stage, "lapsed", at - since)))
            since = at
        if event is None:
            break
        time = event["time"]
        if before is None or quiet:
            journeys.append([])
            if quiet:
                found.append(Turn(time, event, ("moved", "lapsed", stage, time - since)))
                since = time
        elif before["channel"] != event["channel"] and time - before["time"] <= DAY:
            known = before.get("ticket")
            same = None if known is None else known == event.get("ticket")
            found.append(Turn(time, event, ("handoff", before["channel"], event["channel"], same)))
        journeys[-1].append(event)
        wanted = wants(event, bought)
        bought = bought or event["type"] in ("purchase.completed", "account.converted")
        if not stage or ORDER.index(wanted) > ORDER.index(stage):
            found.append(Turn(time, event, ("moved", stage or "none", wanted, time - since if stage else None)))
            stage, since = wanted, time
    for journey in journeys:
        found.append(Turn(journey[0]["time"], journey[0], ("journey",)))
        other = next((event for event in journey if event["channel"] != journey[0]["channel"]), None)
        if other is not None:
            found.append(Turn(other["time"], other, ("spread",)))
    return found


def all_turns(events: list[Event], by_customer: Callable[[Event], bool], now: Callable[[Event], int]) -> list[Turn]:
    """Of all customers. Of two steps at the same time, the one that arrived first was first."""
    customers: dict[str, list[Event]] = {}
    for event in events:
        if is_step(event, by_customer(event)):
            customers.setdefault(event["customer"], []).append(event)
    return [
        turn for steps in customers.values() for turn in turns(sorted(steps, key=lambda e: e["time"]), now(steps[0]))
    ]


def expected(inside: list[tuple[Any, ...]]) -> Numbers:
    """What the turns of a window and segment come to, but for how long customers had been in a stage."""
    found: Numbers = {}
    moved = [turn for turn in inside if turn[0] == "moved"]
    for name in ORDER:
        entered = sum(turn[2] == name for turn in moved)
        left = [turn for turn in moved if turn[1] == name]
        if entered:
            found[f"stage_{name}_entered"] = Fraction(entered), entered
        if left:
            lapsed = sum(turn[2] == "lapsed" for turn in left)
            found[f"stage_{name}_dropoff_ratio"] = Fraction(lapsed, len(left)), len(left)
    lapsed, back = sum(turn[2] == "lapsed" for turn in moved), sum(turn[1] == "lapsed" for turn in moved)
    found |= {"stage_lapsed_entered": (Fraction(lapsed), lapsed)} if lapsed else {}
    found |= {"stage_lapsed_left": (Fraction(back), back)} if back else {}
    journeys, spread = (sum(turn[0] == what for turn in inside) for what in ("journey", "spread"))
    if journeys:
        found["journeys"] = Fraction(journeys), journeys
        found["multichannel_rate"] = Fraction(spread, journeys), journeys
    handoffs = [turn[3] for turn in inside if turn[0] == "handoff"]
    if handoffs:
        found["handoffs"] = Fraction(len(handoffs)), len(handoffs)
    tickets = [same for same in handoffs if same is not None]
    if tickets:
        found["handoff_continuity_ratio"] = Fraction(sum(tickets), len(tickets)), len(tickets)
    return found


def stays(inside: list[tuple[Any, ...]], stage: str) -> list[int]:
    """How long customers had been in a stage that they left, sorted."""
    return sorted(turn[3] for turn in inside if turn[0] == "moved" and turn[1] == stage)
