"""The truth of friction, the naive way: at a moment, look at all touchpoints of a customer that are known by then.

``HOLDS`` says of each signal what it is about, where it holds; ``delays`` after how long it may change by itself.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.laws import oracle
from tests.laws.oracle import Event

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
WAIT = {"urgent": 20 * SECOND, "high": MINUTE, "normal": 2 * MINUTE, "low": HOUR}
REPLY = {"urgent": MINUTE, "high": HOUR, "normal": 5 * HOUR, "low": DAY}
SOLVE = {"urgent": HOUR, "high": 10 * HOUR, "normal": DAY, "low": 3 * DAY}
SET: dict[str, dict[str, int]] = {
    "repeat_contact": {"contacts": 2, "hours": 20, "apart_minutes": 15},
    "channel_hopping": {"channels": 2, "hours": 24},
    "long_wait": {"open_hours": 5},
    "slow_first_reply": {"open_hours": 30},
    "ticket_overdue": {"open_hours": 40},
    "ticket_reopened": {"times": 1, "open_hours": 30},
    "hard_answer": {"open_hours": 48, "follow_up_hours": 24},
    "dissatisfied_answer": {"open_hours": 30, "follow_up_hours": 3},
    "detractor_answer": {"open_hours": 48, "follow_up_hours": 24},
    "cart_abandoned": {"minutes": 60, "open_hours": 24},
    "payment_failed": {"times": 2, "open_hours": 24},
    "too_many_messages": {"messages": 3, "days": 2},
    "slow_page": {"times": 2, "minutes": 60, "load_ms": 4_000},
    "app_crash": {"times": 1, "hours": 4},
    "repeated_error": {"times": 2, "hours": 24},
    "broken_on_mobile": {"times": 2, "hours": 24},
    "bot_loop": {"turns": 3, "hours": 2},
    "impersonal": {"times": 2, "days": 3},
    "churn_risk": {"reasons": 1, "days": 2, "active_days": 2, "trial_days": 1},
}
"""Thresholds that stories of some days break."""
COOLDOWN = {"repeat_contact": 5, "slow_page": 1, "repeated_error": 30, "too_many_messages": 0, "cart_abandoned": 2}
"""Hours; of all others, those of the signals."""

About = set[str | None]
Events = list[Event]


def of(events: Events, *types: str) -> Events:
    return [event for event in events if event["type"] in types]


def lately(events: Iterable[Event], now: int, within: int) -> Events:
    return [event for event in events if now - within < event["time"]]


def when(event: Event) -> tuple[int, str]:
    return event["time"], event["id"]


def by(events: Iterable[Event], key: Callable[[Event], Any]) -> dict[Any, Events]:
    found: dict[Any, Events] = {}
    for event in events:
        if key(event) is not None:
            found.setdefault(key(event), []).append(event)
    return found


def turns_to_us(events: Events) -> Events:
    asked = of(events, "chat.started", "email.received")
    asked += [event for event in of(events, "call.started") if event.get("direction", "inbound") == "inbound"]
    tickets = of(events, "ticket.opened", "ticket.reopened")
    return asked + [event for event in tickets if event.get("author", "customer") == "customer"]


def repeat_contact(events: Events, now: int, per: dict[str, int], zone: str) -> About:
    number = 0
    for same in by(turns_to_us(events), lambda event: event["channel"]).values():
        times = sorted(event["time"] for event in same)
        for time, before in zip(times, [-DAY * 10**6, *times], strict=False):
            number += time - before >= per["apart_minutes"] * MINUTE and time > now - per["hours"] * HOUR
    return {None} if number >= per["contacts"] else set()


def channel_hopping(events: Events, now: int, per: dict[str, int], zone: str) -> About:
    wrote = [event for event in of(events, "ticket.replied") if event["author"] == "customer"]
    channels = {event["channel"] for event in lately(turns_to_us(events) + wrote, now, per["hours"] * HOUR)}
    is_open = any(is_unresolved(life) for life in tickets(events).values())
    return {None} if len(channels) >= per["channels"] and is_open else set()


def tickets(events: Events) -> dict[str, Events]:
    found = by(events, lambda event: event.get("ticket"))
    return {name: life for name, life in found.items() if not of(life, "ticket.merged")}


_ORDER = ["ticket.reopened", "ticket.resolved", "ticket.closed"]


def turns(life: Events) -> Events:
    return sorted(of(life, *_ORDER), key=lambda event: (event["time"], _ORDER.index(event["type"])))


def is_unresolved(life: Events) -> bool:
    ends = turns(life)
    return ends[-1]["type"] == "ticket.reopened" if ends else bool(of(life, "ticket.opened"))


def is_resolved(life: Events) -> bool:
    ends = turns(life)
    return bool(ends) and ends[-1]["type"] != "ticket.reopened"


def promised(events: Events, now: int, open_for: int, targets: dict[str, int]) -> Iterator[tuple[str, Event, Events]]:
    """Tickets that are not resolved and whose target has passed, not too long ago."""
    for name, life in tickets(events).items():
        if of(life, "ticket.opened") and not is_resolved(life):
            opened = min(of(life, "ticket.opened"), key=when)
            due = opened["time"] + targets[opened.get("priority", "normal")]
            if due < now < due + 1 + open_for:
                yield name, opened, life


def slow_first_reply(events: Events, now: int, per: dict[str, int], zone: str) -> About:
    found: About = set()
    for name, opened, life in promised(events, now, per["open_hours"] * HOUR, REPLY):
        said = [event for event in of(life, "chat.message") if event["author"] == "agent"]
        said += [event for event in of(life, "ticket.replied") if event["author"] == "agent" and event["public"]]
        replies = [event for event in said if event["time"] >= opened["time"]]
        if len(replies) < (1 if opened.get("author", "customer") == "customer" else 2):
            found.add(name)
    return found


def ticket_overdue(events: Events, now: int, per: dict[str, int], zone: str) -> About:
    return {name for name, *_ in promised(events, now, per["open_hours"] * HOUR, SOLVE)}


def ticket_reopened(events: Events, now: int, per: dict[str, int], zone: str) -> About:
    found: About = set()
    for name, life in tickets(events).items():
        again = lately(of(life, "ticket.reopened"), now, per["open_hours"] * HOUR)
        if not is_resolved(life) and len(again) >= per["times"]:
            found.add(name)
    return found


def bad_answer(kind: str, is_bad: Callable[[int, int, int], bool]) -> Callable[..., About]:
    low, high = {"ces": (1, 7), "csat": (1, 10), "nps": (0, 10)}[kind]

    def holds(events: Events, now: int, per: dict[str, int], zone: str) -> About:
        found: About = set()
        for survey, given in by(of(events, "survey.answered"), lambda event: event["survey"]).items():
            some = [event for event in given if event["kind"] == kind]
            last = max(some, key=when) if some else None
            if last is not None and last["time"] > now - per["open_hours"] * HOUR:
                scale = last.get("scale", {"min": low, "max": high})
                if is_bad(last["score"], scale["min"], scale["max"]):
                    found.add(survey)
        return found

    return holds


def long_wait(events: Events, now: int, per: dict[str, int], zone: str) -> About:
    found: About = set()
    for start, ends, person in (
        ("chat.started", "chat.ended", "chat.message"),
        ("call.started", "call.ended", "call.answered"),
    ):
        for session, talk in by(events, lambda event: event.get("session")).items():
            begun = [event for event in of(talk, start) if event.get("direction", "inbound") == "inbound"]
            if not begun:
                continue
            began = min(begun, key=when)
            target = WAIT[began.get("priority", "normal")]
            answers = [event for event in of(talk, person) if event.get("author", "agent") == "agent"]
            answered, ended = min(answers, key=when, default=None), min(of(talk, ends), key=when, default=None)
            late = began["time"] + target + 1
            if answered is not None and (ended is None or answered["time"] <= ended["time"]):
                waited, last = answered.get("wait_ms", answered["time"] - began["time"]), answered["time"]
            elif ended is not None:
                waited, last = ended["time"] - began["time"], ended["time"]
            else:
                waited, last = target + 1, late
            since = min(late, max(last, began["time"]))
            if waited > target and since <= now < since + per["open_hours"] * HOUR:
                found.add(session)
    return found


def cart(event: Event) -> str | None:
    if "cart" in event:
        return f"cart {event['cart']}"
    return f"session {event['session']}" if "session" in event else None


def cart_abandoned(events: Events, now: int, per: dict[str, int], zone: str) -> About:
    steps = [event for event in of(events, "visit.cart") if event.get("action", "added") != "viewed"]
    steps += of(events, "purchase.completed")
    found: About = set()
    for name in {cart(event) for event in steps}:
        own = [event for event in steps if cart(event) == name]
        last = max(own, key=lambda event: (event["time"], event["type"] == "purchase.completed", event["id"]))
        since = last["time"] + per["minutes"] * MINUTE + 1
        if last["type"] == "visit.cart" and since <= now < since + per["open_hours"] * HOUR:
            found.add(name)
    return found


def payment_failed(events: Events, now: int, per: dict[str, int], zone: str) -> About:
    found: About = set()
    for order, tried in by(events, lambda event: event.get("order")).items():
        paid = [event["time"] for event in of(tried, "purchase.completed")]
        failed = [
            event
            for event in of(tried, "purchase.failed")
            if all(time <= event["time"] - per["open_hours"] * HOUR for time in paid)
        ]
        if len(lately(failed, now, per["open_hours"] * HOUR)) >= per["times"]:
            found.add(order)
    return found


def too_many_messages(events: Events, now: int, per: dict[str, int], zone: str) -> About:
    recent = lately(events, now, per["days"] * DAY)
    is_many = len(of(recent, "email.sent")) >= per["messages"]
    return {None} if is_many and not of(recent, "email.opened", "email.clicked") else set()


def crowd(
    pick: Callable[[Event], Any], number: str, within: str, unless: Callable[[Event], bool] = lambda _: False
) -> Callable[..., About]:
    """So many of a kind lately, told apart by what ``pick`` says (None: not of that kind)."""
    unit = {"minutes": MINUTE, "hours": HOUR, "days": DAY}[within]

    def holds(events: Events, now: int, per: dict[str, int], zone: str) -> About:
        recent = lately(events, now, per[within] * unit)
        some = by(recent, pick)
        if any(unless(event) for event in recent):
            return set()
        return {None if about is True else about for about, same in some.items() if len(same) >= per[number]}

    return holds


def is_slow(event: Event) -> bool | None:
    return True if event.get("load_ms", 0) >= SET["slow_page"]["load_ms"] else None


def is_crash(event: Event) -> bool | None:
    return True if event.get("crash") else None


def is_error(event: Event) -> str | None:
    return event["error"] if event["type"] == "visit.error" else None


def is_on_mobile(event: Event) -> bool | None:
    return True if event["type"] == "visit.error" and event.get("device") == "mobile" else None


def is_elsewhere(event: Event) -> bool:
    return event["type"] == "visit.error" and event.get("device", "mobile") != "mobile"


def message(event: Event) -> str | None:
    if event["type"] != "email.sent" or "ticket" in event or not {"campaign", "subject"} & {*event}:
        return None
    return ", ".join(f'{name} "{event[name]}"' for name in ("campaign", "subject") if name in event)


def bot_loop(events: Events, now: int, per: dict[str, int], zone: str) -> About:
    found: About = set()
    for session, talk in by(events, lambda event: event.get("session")).items():
        words = of(talk, "chat.message")
        people = [event for event in words if event["author"] == "agent"]
        people += of(talk, "chat.handed_off", "call.answered")
        last = max((event["time"] for event in people), default=0)
        bot = [event for event in words if event["author"] == "bot" and event["time"] > last]
        if len(lately(bot, now, per["hours"] * HOUR)) >= per["turns"]:
            found.add(session)
    return found


def churn_risk(events: Events, now: int, per: dict[str, int], zone: str) -> About:
    number = sum(reason(events, now, per, zone) for reason in (falls, unused, worsens))
    return {None} if number >= per["reasons"] else set()


def falls(events: Events, now: int, per: dict[str, int], zone: str) -> bool:
    active = {oracle.day(event["time"], zone) for event in events if oracle.by_customer(event)}
    ages = [(oracle.day(now, zone) - day).days for day in active]
    recent = sum(age < per["days"] for age in ages)
    before = sum(per["days"] <= age < 2 * per["days"] for age in ages)
    return before >= per["active_days"] and recent <= before / 2


def unused(events: Events, now: int, per: dict[str, int], zone: str) -> bool:
    for own in by(
        [event for event in events if event["type"].startswith("account.")], lambda e: e.get("account", "")
    ).values():
        if not of(own, "account.trial_started"):
            continue
        began = min(of(own, "account.trial_started"), key=when)
        time, latest = began["time"], began["time"] + 30 * DAY
        end = min(max(time, began.get("ends_ms", latest)), latest)
        ended = [event for event in of(own, "account.converted", "account.cancelled") if event["time"] >= time]
        used = [
            event
            for event in events
            if oracle.by_customer(event) and oracle.day(event["time"], zone) > oracle.day(time, zone)
        ]
        if max(time, end - per["trial_days"] * DAY) <= now < end and not ended and not used:
            return True
    return False


def worsens(events: Events, now: int, per: dict[str, int], zone: str) -> bool:
    scales = {"ces": (1, 7), "csat": (1, 10), "nps": (0, 10)}
    for kind, given in by(of(events, "survey.answered"), lambda event: event["kind"]).items():
        surveys = by(given, lambda event: event["survey"]).values()
        last = sorted((max(same, key=when) for same in surveys), key=when)[-3:]
        if len(last) < 3 or now >= last[0]["time"] + 2 * per["days"] * DAY:
            continue
        spots = []
        for event in last:
            scale = event.get("scale", dict(zip(("min", "max"), scales[kind], strict=True)))
            spots.append((event["score"] - scale["min"]) / (scale["max"] - scale["min"]))
        if spots[0] - spots[1] > 1e-9 and spots[1] - spots[2] > 1e-9:
            return True
    return False


Holds = Callable[[Events, int, dict[str, int], str], About]
HOLDS: dict[str, Holds] = {
    "repeat_contact": repeat_contact,
    "channel_hopping": channel_hopping,
    "long_wait": long_wait,
    "slow_first_reply": slow_first_reply,
    "ticket_overdue": ticket_overdue,
    "ticket_reopened": ticket_reopened,
    "hard_answer": bad_answer("ces", lambda score, low, high: 3 * (score - low) <= high - low),
    "dissatisfied_answer": bad_answer("csat", lambda score, low, high: 4 * (score - low) < 3 * (high - low)),
    "detractor_answer": bad_answer("nps", lambda score, low, high: score <= 6),
    "cart_abandoned": cart_abandoned,
    "payment_failed": payment_failed,
    "too_many_messages": too_many_messages,
    "slow_page": crowd(is_slow, "times", "minutes"),
    "app_crash": crowd(is_crash, "times", "hours"),
    "repeated_error": crowd(is_error, "times", "hours"),
    "broken_on_mobile": crowd(is_on_mobile, "times", "hours", is_elsewhere),
    "bot_loop": bot_loop,
    "impersonal": crowd(message, "times", "days"),
    "churn_risk": churn_risk,
}


def delays(signal: str, per: dict[str, int]) -> set[int]:
    """After how long without a touchpoint a signal may hold that did not, or no longer."""
    units = {"hours": HOUR, "minutes": MINUTE, "days": DAY}
    found = {number * unit for name, number in per.items() for end, unit in units.items() if name.endswith(end)}
    found |= {2 * number * DAY for name, number in per.items() if name == "days"}
    targets = {"long_wait": WAIT, "slow_first_reply": REPLY, "ticket_overdue": SOLVE}.get(signal, {})
    late = {*targets.values()} | {per["minutes"] * MINUTE for _ in (1,) if signal == "cart_abandoned"}
    found |= {after + more + 1 for after in late for more in (0, per["open_hours"] * HOUR)}
    if signal == "churn_risk":
        found |= {30 * DAY, 30 * DAY - per["trial_days"] * DAY}
    return found


@dataclass
class Life:
    """One signal of one customer: whether it is firing, what about, and since when not.

    Where it may be about several things, it is about what was ``said``, in order of what is ``told``.
    """

    signal: str
    per: dict[str, int]
    cooldown: int
    zone: str
    said: list[str | None]
    now: int = 0
    about: str | None = None
    is_firing: bool = False
    resolved: int = -(10**18)
    told: list[tuple[str, int, About]] = field(default_factory=list)

    def advance(self, events: Events, to: int) -> None:
        """Let time pass with what is known."""
        moments = {event["time"] + delay for event in events for delay in delays(self.signal, self.per)}
        if self.signal == "churn_risk":
            moments |= {event["ends_ms"] - back for event in events if "ends_ms" in event for back in (0, DAY)}
            moments |= set(oracle_midnights(self.now, to, self.zone)) if events else set()
        for moment in sorted(moment for moment in moments if self.now < moment <= to):
            self._wake(events, moment)
            self.look(events, moment)
        self._wake(events, to)
        self.now = max(self.now, to)

    def see(self, known: Events, event: Event, now: int) -> None:
        """Another touchpoint has come."""
        self.advance(known, now)
        self.look([*known, event], now)

    def _wake(self, events: Events, before: int) -> None:
        end = self.resolved + self.cooldown
        if self.now < end <= before and not self.is_firing:
            self.look(events, end)

    def look(self, events: Events, now: int) -> None:
        self.now = now
        holds = HOLDS[self.signal](events, now, self.per, self.zone)
        if self.is_firing and self.about not in holds:
            self.is_firing, self.resolved = False, now
            self.told.append(("resolved", now, {self.about}))
        if holds and not self.is_firing and now >= self.resolved + self.cooldown:
            self.is_firing = True
            self.about = self.said[len(self.told)] if len(self.told) < len(self.said) else None
            self.told.append(("firing", now, holds))


def oracle_midnights(since: int, until: int, zone: str) -> Iterator[int]:
    """When local days begin; ``since`` a day at most before the first."""
    if until - since > 400 * DAY:
        since = until - 400 * DAY
    hour = since - since % HOUR
    while hour <= until:
        if oracle.day(hour, zone) != oracle.day(hour - 1, zone):
            yield hour
        hour += HOUR
