"""The truth, the naive way: METRICS.md as loops over a plain list of events in order of arrival.

Nothing here comes from ``stream``. Events are the decoded JSON of touchpoints; repeats and rejected ones are not in the
list.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from tests.laws import commerce, promises, support, travels
from tests.laws.lives import contacts, lives, replies, resolved, teams

Event = dict[str, Any]
Segment = tuple[tuple[str, str], ...]
Numbers = dict[str, tuple[Fraction, int]]
"""Value and sample size by name."""

FELT = (("promoter", 9), ("passive", 7), ("detractor", 0))
SCALES = {"ces": (1, 7), "csat": (1, 10), "nps": (0, 10)}
BY_CUSTOMER = {
    *("chat.started", "email.opened", "email.clicked", "email.unsubscribed", "email.received"),
    *("visit.page", "visit.app", "visit.cart", "visit.error", "purchase.completed", "purchase.failed"),
    *("survey.answered", "goal.tried", "goal.reached"),
    *("account.created", "account.trial_started", "account.converted", "account.cancelled"),
}
"""What only a customer can do. Of the rest, what has an author or a direction depends on it."""


@dataclass(frozen=True)
class Stay:
    """Something that counts at a moment, in the segments of an event."""

    time: int
    of: Event
    what: tuple[int, ...] | dict[str, Any]


Reached = Callable[[Event], int]
"""How far event time has come for whoever an event is about."""


def expected(
    events: list[Event],
    start: int,
    end: int,
    segment: Segment = (),
    reached: Reached | None = None,
    zone: str = "UTC",
    service: promises.Service = promises.USUAL,
) -> Numbers:
    """Everything but quantiles and what is counted by day, over [start, end); by the last event, or ``reached``."""
    last = max((event["time"] for event in events), default=0)

    def inside(stays: Iterable[Stay]) -> list[Any]:
        return [stay.what for stay in stays if start <= stay.time < end and belongs(stay.of, segment)]

    found: Numbers = {}
    standing = answers(events)
    found |= effort(inside(stay for stay in standing if stay.of["kind"] == "ces"))
    found |= satisfaction(inside(stay for stay in standing if stay.of["kind"] == "csat"))
    found |= recommendation(inside(stay for stay in standing if stay.of["kind"] == "nps"))
    given = [stay.of for stay in standing if start <= stay.time < end and belongs(stay.of, segment)]
    if given:
        reasoned = sum(bool(event.get("reasons")) for event in given)
        found["reasons_given_ratio"] = Fraction(reasoned, len(given)), len(given)
    found |= resolution(inside(resolutions(events)))

    def counts(event: Event) -> bool:
        return bool(start <= event["time"] < end and belongs(event, segment))

    def happened(event: Event, time: int) -> bool:
        now = last if reached is None else reached(event)
        return start <= time < end and time <= now and belongs(event, segment)

    n = sum(map(counts, events))
    return (
        found
        | commerce.expected(events, counts, happened)
        | support.expected(events, counts)
        | promises.expected(events, counts, happened, zone, service)
        | travels.expected(
            [
                turn.what
                for turn in travels.all_turns(
                    events, by_customer, lambda event: last if reached is None else reached(event)
                )
                if start <= turn.time < end and belongs(turn.of, segment)
            ]
        )
        | ({"touchpoints": (Fraction(n), n)} if n else {})
    )


def stocks(events: list[Event], start: int, end: int, segment: Segment = ()) -> Numbers:
    """What there is at the end of [start, end), and became of what was there at the start."""

    def counts(event: Event) -> bool:
        return belongs(event, segment)

    return commerce.standing(events, start, end, counts) | support.backlog(events, end, counts)


def durations(events: list[Event], start: int, end: int, segment: Segment = ()) -> list[int]:
    """The resolution times of the tickets resolved in [start, end), sorted; quantiles are read from these."""
    stays = [stay for stay in resolutions(events) if start <= stay.time < end and belongs(stay.of, segment)]
    known = [stay.what["duration"] for stay in stays if isinstance(stay.what, dict)]
    return sorted(duration for duration in known if duration is not None and duration >= 0)


def quantile(ordered: list[int], q: Fraction) -> int:
    """The smallest value that at least the share ``q`` of all do not exceed."""
    return ordered[max(1, math.ceil(q * len(ordered))) - 1]


def belongs(event: Event, segment: Segment) -> bool:
    return all(event.get(name) == value for name, value in segment)


# Surveys


def answers(events: list[Event]) -> list[Stay]:
    """Of a customer's answers to one survey, the one given last."""
    last: dict[tuple[str, str, str], Event] = {}
    for event in events:
        if event["type"] == "survey.answered":
            key = (event["customer"], event["survey"], event["kind"])
            if key not in last or (last[key]["time"], last[key]["id"]) < (event["time"], event["id"]):
                last[key] = event
    return [Stay(event["time"], event, (event["score"], *scale(event))) for event in last.values()]


def scale(event: Event) -> tuple[int, int]:
    given = event.get("scale")
    return (given["min"], given["max"]) if given else SCALES[event["kind"]]


def effort(given: list[tuple[int, int, int]]) -> Numbers:
    n = len(given)
    if not n:
        return {}
    easy = sum(3 * (score - low) >= 2 * (high - low) for score, low, high in given)
    hard = sum(3 * (score - low) <= high - low for score, low, high in given)
    mean = Fraction(sum(score for score, _, _ in given), n)
    return {"ces_score": (mean, n), "ces_easy_ratio": (Fraction(easy, n), n), "ces_hard_ratio": (Fraction(hard, n), n)}


def satisfaction(given: list[tuple[int, int, int]]) -> Numbers:
    n = len(given)
    if not n:
        return {}
    satisfied = sum(4 * (score - low) >= 3 * (high - low) for score, low, high in given)
    onto_ten = sum(1 + 9 * Fraction(score - low, high - low) for score, low, high in given)
    return {
        "csat_score": (Fraction(sum(score for score, _, _ in given), n), n),
        "csat_normalized_score": (Fraction(onto_ten) / n, n),
        "csat_satisfied_ratio": (Fraction(satisfied, n), n),
    }


def recommendation(given: list[tuple[int, int, int]]) -> Numbers:
    n = len(given)
    if not n:
        return {}
    promoters = sum(score in (9, 10) for score, _, _ in given)
    detractors = sum(score in range(7) for score, _, _ in given)
    return {
        "nps_score": (Fraction(100 * (promoters - detractors), n), n),
        "nps_promoter_ratio": (Fraction(promoters, n), n),
        "nps_detractor_ratio": (Fraction(detractors, n), n),
    }


def reasons(events: list[Event], start: int, end: int, segment: Segment = ()) -> dict[str, dict[str, int]]:
    """How many answers gave each reason, by what they were about and how the customer felt."""
    found: dict[str, dict[str, int]] = {}
    for stay in answers(events):
        if start <= stay.time < end and belongs(stay.of, segment):
            kind, score = stay.of["kind"], stay.of["score"]
            low, high = scale(stay.of)
            if kind == "nps":
                group = next(name for name, least in FELT if score >= least)
            elif kind == "csat":
                group = "satisfied" if 4 * (score - low) >= 3 * (high - low) else "dissatisfied"
            else:
                thirds = Fraction(3 * (score - low), high - low)
                group = "easy" if thirds >= 2 else "hard" if thirds <= 1 else "neutral"
            for code in set(stay.of.get("reasons", ())):
                of_group = found.setdefault(f"{kind} {group}", {})
                of_group[code] = of_group.get(code, 0) + 1
    return found


# Tickets


def resolutions(events: list[Event]) -> list[Stay]:
    """The tickets that are resolved, each at its last resolution, in the segments of its first touchpoint."""
    found = ((life, resolved(life)) for life in lives(events))
    return [stay(life, at) for life, at in found if at is not None]


def stay(life: list[Event], at: int) -> Stay:
    until = life[: at + 1]
    opened = [event["time"] for event in life if event["type"] == "ticket.opened"]
    reopened = any(event["type"] == "ticket.reopened" for event in until)
    first = contacts(until) <= 1 and not reopened
    what = {
        "first": first,
        "strict": first and teams(until) <= 1,
        "one_touch": not reopened and len(replies(until)) <= 1,
        "duration": life[at]["time"] - min(opened) if opened else None,
    }
    return Stay(life[at]["time"], life[0], what)


def resolution(tickets: list[dict[str, Any]]) -> Numbers:
    n = len(tickets)
    if not n:
        return {}
    found: Numbers = {
        f"fcr_{name}ratio": (Fraction(sum(ticket[kind] for ticket in tickets), n), n)
        for name, kind in (("", "first"), ("strict_", "strict"), ("one_touch_", "one_touch"))
    }
    known = [ticket["duration"] for ticket in tickets if ticket["duration"] is not None]
    fair = [duration for duration in known if duration >= 0]
    if fair:
        found["resolution_mean_seconds"] = (Fraction(sum(fair), 1000 * len(fair)), len(fair))
    negative = len(known) - len(fair)
    return found | ({"negative_durations": (Fraction(negative), negative)} if negative else {})


# Customers over time


def by_customer(event: Event) -> bool:
    """Did the customer do it?"""
    if event["type"] == "call.started":
        return bool(event.get("direction", "inbound") == "inbound")
    if event["type"] in ("ticket.opened", "ticket.reopened", "ticket.replied", "chat.message"):
        return bool(event.get("author", "customer") == "customer")
    return event["type"] in BY_CUSTOMER


def day(time: int, zone: str) -> date:
    return datetime.fromtimestamp(time // 1000, UTC if zone == "UTC" else ZoneInfo(zone)).date()


def cohorts(events: list[Event], zone: str, segment: Segment = ()) -> dict[tuple[str, date, int], int]:
    """Customers active in a week or month, by its first day and its age since the one of their first activity."""
    days: dict[str, set[date]] = {}
    for event in events:
        if by_customer(event) and belongs(event, segment):
            days.setdefault(event["customer"], set()).add(day(event["time"], zone))
    found: dict[tuple[str, date, int], int] = {}
    for seen in days.values():
        first = min(seen)
        weeks = {each - timedelta(days=each.weekday()) for each in seen}
        months = {each.replace(day=1) for each in seen}
        ages = [("week", each, (each - min(weeks)).days // 7) for each in weeks]
        ages += [("month", each, 12 * (each.year - first.year) + each.month - first.month) for each in months]
        for entry in ages:
            found[entry] = found.get(entry, 0) + 1
    return found


def active(events: list[Event], first: date, last: date, zone: str, segment: Segment = ()) -> set[str]:
    """Who did something on a local day from ``first`` to ``last``, both included."""
    return {
        event["customer"]
        for event in events
        if by_customer(event) and belongs(event, segment) and first <= day(event["time"], zone) <= last
    }
