"""The truth of tickets opened, replied to and still open, and of waiting for a person, the naive way."""

from fractions import Fraction

from tests.laws.commerce import Event, Inside, Numbers, of, ratio, when
from tests.laws.lives import is_message, lives, replies, resolved, teams


def expected(events: list[Event], inside: Inside) -> Numbers:
    """Everything but quantiles."""
    return {**tickets(events, inside), **first_replies(events, inside), **waits(events, inside)}


def tickets(events: list[Event], inside: Inside) -> Numbers:
    opened = closed = n = reopened = moves = messages = 0
    for life in lives(events):
        if of(life, "ticket.merged"):
            continue
        first, at = life[0], resolved(life)
        openings = of(life, "ticket.opened")
        if openings and inside({**first, "time": openings[0]["time"]}):
            opened += 1
        if at is not None and inside({**first, "time": life[at]["time"]}):
            until = life[: at + 1]
            n += 1
            closed += bool(openings)
            reopened += bool(of(until, "ticket.reopened"))
            moves += teams(until) - 1
            messages += sum(map(is_message, until)) + len(replies(until))
    found: Numbers = {}
    if opened:
        found["tickets_opened"] = Fraction(opened), opened
    if opened + closed:
        found["backlog_change"] = Fraction(opened - closed), opened + closed
    found |= ratio("reopened_ratio", reopened, n) | ratio("reassignments_per_ticket", moves, n)
    return found | ratio("messages_per_ticket", messages, n)


def backlog(events: list[Event], end: int, belongs: Inside) -> Numbers:
    """Tickets opened by then and not resolved for good, by looking at each."""
    opened = closed = 0
    for life in lives(events):
        openings, at = of(life, "ticket.opened"), resolved(life)
        if openings and belongs(life[0]) and not of(life, "ticket.merged"):
            opened += openings[0]["time"] < end
            closed += at is not None and life[at]["time"] < end
    # A ticket may be resolved by an event before its opening: then it is not in the backlog, nor ever was.
    n = opened + closed
    return {"backlog_tickets": (Fraction(opened - closed), n)} if n and opened >= closed else {}


def first_replies(events: list[Event], inside: Inside) -> Numbers:
    found = []
    for life in lives(events):
        openings = [at for at, event in enumerate(life) if event["type"] == "ticket.opened"]
        if not openings or of(life, "ticket.merged"):
            continue
        opening = life[openings[0]]
        given = [life[at]["time"] for at in replies(life) if at > openings[0]]
        told = given[0 if opening.get("author", "customer") == "customer" else 1 :][:1]
        found += [time - opening["time"] for time in told if inside({**life[0], "time": time})]
    return mean("first_reply_mean_seconds", found)


def mean(name: str, durations: list[int]) -> Numbers:
    return {name: (Fraction(sum(durations), 1000 * len(durations)), len(durations))} if durations else {}


def waits(events: list[Event], inside: Inside) -> Numbers:
    talks: dict[tuple[str, str, str], list[Event]] = {}
    for event in events:
        medium = event["type"].split(".")[0]
        if medium in ("chat", "call") and event.get("session") is not None:
            talks.setdefault((event["customer"], medium, event["session"]), []).append(event)
    waited, abandoned = [], 0
    for talk in talks.values():
        starts = [e for e in of(talk, "chat.started", "call.started") if e.get("direction", "inbound") == "inbound"]
        answers = [e for e in of(talk, "call.answered", "chat.message") if e.get("author", "agent") == "agent"]
        ends = of(talk, "chat.ended", "call.ended")
        first, end = min(answers, key=when, default=None), min(ends, key=when, default=None)
        if not starts:
            continue
        if first is not None and (end is None or first["time"] <= end["time"]):
            wait = max(0, first["time"] - min(event["time"] for event in starts))
            waited += [first.get("wait_ms", wait)] if inside(first) else []
        elif end is not None:
            abandoned += inside(end)
    found = mean("wait_mean_seconds", waited)
    return found | ratio("abandonment_ratio", abandoned, len(waited) + abandoned)
