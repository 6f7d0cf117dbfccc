"""The truth of purchases, emails, goals and what is said in public, the naive way; ``oracle`` has all the rest."""

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

Event = dict[str, Any]
Inside = Callable[[Event], bool]
"""Whether an event is in the window and segment that are asked for."""
Happened = Callable[[Event, int], bool]
"""Whether a moment that an event leads to has come by now, and is in the window and segment that are asked for."""
Numbers = dict[str, tuple[Fraction, int]]
HOUR, DAY = 3_600_000, 86_400_000


def expected(events: list[Event], inside: Inside, happened: Happened) -> Numbers:
    """Everything but surveys, tickets and what is counted by day."""
    return {
        **purchases(events, inside),
        **carts(events, inside, happened),
        **revenue(events, inside),
        **emails(events, inside),
        **goals(events, inside),
        **public(events, inside),
        **responses(events, inside),
        **trials(events, inside, happened),
        **accounts(events, inside),
    }


def of(events: Iterable[Event], *types: str) -> list[Event]:
    return [event for event in events if event["type"] in types]


def when(event: Event) -> tuple[int, str]:
    return event["time"], event["id"]


def paid_orders(events: list[Event]) -> list[tuple[Event, list[Event]]]:
    """Each order's payment and refunds, in order."""
    orders: dict[tuple[str, str], list[Event]] = {}
    for event in of(events, "purchase.completed", "purchase.refunded"):
        orders.setdefault((event["customer"], event["order"]), []).append(event)
    found = []
    for life in orders.values():
        payments = sorted(of(life, "purchase.completed"), key=when)
        if payments:
            found.append((payments[0], sorted(of(life, "purchase.refunded"), key=when)))
    return found


def given_back(payment: Event | None, refunds: list[Event]) -> list[tuple[Event, int]]:
    """What each refund gave back: no more than was left."""
    left = None if payment is None else payment["amount"]
    found = []
    for refund in refunds:
        amount = refund["amount"]
        if payment is not None and left is not None and refund["currency"] == payment["currency"]:
            amount = min(amount, left)
            left -= amount
        found.append((refund, amount))
    return found


def is_returned(payment: Event, refunds: list[Event]) -> bool:
    back = sum(n for refund, n in given_back(payment, refunds) if refund["currency"] == payment["currency"])
    return 0 < payment["amount"] == back


def ratio(name: str, part: int, whole: int) -> Numbers:
    return {name: (Fraction(part, whole), whole)} if whole else {}


def purchases(events: list[Event], inside: Inside) -> Numbers:
    orders = [(payment, refunds) for payment, refunds in paid_orders(events) if inside(payment)]
    kept = [payment for payment, refunds in orders if not is_returned(payment, refunds)]
    first: dict[str, Event] = {}
    for event in sorted(of(events, "purchase.completed"), key=when):
        first.setdefault(event["customer"], event)
    again = sum(first[payment["customer"]]["id"] != payment["id"] for payment, _ in orders)
    failed = sum(map(inside, of(events, "purchase.failed")))
    found: Numbers = {"purchases": (Fraction(len(kept)), len(kept))} if kept else {}
    found |= ratio("referral_ratio", sum("referral" in payment for payment in kept), len(kept))
    found |= ratio("repeat_purchase_ratio", again, len(orders))
    return found | ratio("payment_failure_ratio", failed, len(orders) + failed)


def revenue(events: list[Event], inside: Inside) -> Numbers:
    payments = [payment for payment, _ in paid_orders(events) if inside(payment)]
    known = {(payment["customer"], payment["order"]): payment for payment, _ in paid_orders(events)}
    by_order: dict[tuple[str, str], list[Event]] = {}
    for event in sorted(of(events, "purchase.refunded"), key=when):
        by_order.setdefault((event["customer"], event["order"]), []).append(event)
    back = [
        (refund, amount)
        for order, refunds in by_order.items()
        for refund, amount in given_back(known.get(order), refunds)
        if inside(refund)
    ]
    excess = sum(amount < refund["amount"] for refund, amount in back)
    found: Numbers = {"excess_refunds": (Fraction(excess), excess)} if excess else {}
    if len({event["currency"] for event in (*payments, *(refund for refund, _ in back))}) != 1:
        return found
    paid, returned = sum(payment["amount"] for payment in payments), sum(amount for _, amount in back)
    found["revenue"] = Fraction(paid - returned), len(payments) + len(back)
    if back:
        found["revenue_refunded"] = Fraction(returned), len(back)
    if payments:
        found["average_order_value"] = Fraction(paid, len(payments)), len(payments)
    return found


def carts(events: list[Event], inside: Inside, happened: Happened) -> Numbers:
    """Each time that a cart was filled, by its last change: bought within an hour, or abandoned."""
    lives: dict[tuple[str, str], list[Event]] = {}
    for event in of(events, "visit.cart", "purchase.completed"):
        name = event.get("cart") or event.get("session")
        if name is not None and event.get("action") != "viewed":
            lives.setdefault((event["customer"], name), []).append(event)
    bought = abandoned = recovered = 0
    for life in lives.values():
        life.sort(key=lambda event: (event["time"], event["type"] == "purchase.completed", event["id"]))
        for event, following in zip(life, [*life[1:], None], strict=True):
            if event["type"] != "visit.cart" or (following is not None and following["type"] == "visit.cart"):
                continue
            left = event["time"] + HOUR
            if following is None or following["time"] > left:
                abandoned += happened(event, left)
                recovered += following is not None and happened(event, following["time"])
            else:
                bought += happened(event, following["time"])
    found = {"carts": (Fraction(bought + abandoned), bought + abandoned)} if bought + abandoned else {}
    found |= {"carts_recovered": (Fraction(recovered), recovered)} if recovered else {}
    return found | ratio("cart_abandonment_ratio", abandoned, bought + abandoned)


def trials(events: list[Event], inside: Inside, happened: Happened) -> Numbers:
    accounts: dict[tuple[str, str | None], list[Event]] = {}
    for event in of(events, "account.trial_started", "account.converted"):
        accounts.setdefault((event["customer"], event.get("account")), []).append(event)
    started = converted = expired = 0
    for life in accounts.values():
        starts = sorted(of(life, "account.trial_started"), key=when)
        if not starts:
            continue
        start = starts[0]["time"]
        paid = [e["time"] for e in of(life, "account.converted") if 0 <= e["time"] - start <= 30 * DAY]
        end = max(start, min(start + 30 * DAY, starts[0].get("ends_ms", start + 30 * DAY)))
        started += inside(starts[0])
        converted += inside(starts[0]) and bool(paid)
        expired += not any(time <= end for time in paid) and happened(starts[0], end)
    cancelled = sum(map(inside, of(events, "account.cancelled")))
    found: Numbers = {"trials_started": (Fraction(started), started)} if started else {}
    found |= {"trials_expired": (Fraction(expired), expired)} if expired else {}
    found |= {"cancellations": (Fraction(cancelled), cancelled)} if cancelled else {}
    return found | ratio("trial_conversion_ratio", converted, started)


def paid_accounts(events: list[Event]) -> list[tuple[Event, Event | None]]:
    """Each time that an account was paid for: by which event it was joined, and by which it was left, if it was."""
    lives: dict[tuple[str, str | None], list[Event]] = {}
    for event in of(events, "account.converted", "account.cancelled"):
        lives.setdefault((event["customer"], event.get("account")), []).append(event)
    found: list[tuple[Event, Event | None]] = []
    for life in lives.values():
        joined: Event | None = None
        for event in sorted(life, key=when):
            if event["type"] == "account.converted":
                joined = joined or event
            elif joined is not None:
                found.append((joined, event))
                joined = None
        if joined is not None:
            found.append((joined, None))
    return found


def accounts(events: list[Event], inside: Inside) -> Numbers:
    """Those that come and go; one that leaves counts in the segments of the event by which it was joined."""
    stays = paid_accounts(events)
    new = sum(inside(joined) for joined, _ in stays)
    lost = sum(left is not None and inside({**joined, "time": left["time"]}) for joined, left in stays)
    found: Numbers = {"accounts_new": (Fraction(new), new)} if new else {}
    return found | ({"accounts_lost": (Fraction(lost), lost)} if lost else {})


def standing(events: list[Event], start: int, end: int, belongs: Inside) -> Numbers:
    """Accounts that are paid for at the end, and what became of those at the start, by looking at each."""
    stays = [(j["time"], e["time"] if e else None) for j, e in paid_accounts(events) if belongs(j)]

    def paid(at: int) -> int:
        return sum(joined < at and (left is None or left >= at) for joined, left in stays)

    ever = sum(joined < end for joined, _ in stays)
    new = sum(start <= joined < end for joined, _ in stays)
    lost = sum(left is not None and start <= left < end for _, left in stays)
    found: Numbers = {"accounts": (Fraction(paid(end)), ever)} if ever else {}
    if paid(start) >= max(lost, 1):
        found["account_retention_ratio"] = Fraction(paid(end) - new, paid(start)), paid(start)
        found["account_churn_ratio"] = Fraction(lost, paid(start)), paid(start)
    return found


def emails(events: list[Event], inside: Inside) -> Numbers:
    lives: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        if event["type"].startswith("email.") and event.get("email") is not None:
            lives.setdefault((event["customer"], event["email"]), []).append(event)
    delivered, bounced = [], 0
    for life in lives.values():
        first = sorted(of(life, "email.delivered"), key=when)[:1]
        if first and inside(first[0]):
            delivered.append({event["type"] for event in life})
        bounces = sorted(of(life, "email.bounced"), key=when)[:1]
        bounced += bool(bounces and inside(bounces[0]))
    n = len(delivered)
    opened = sum(bool(types & {"email.opened", "email.clicked"}) for types in delivered)
    found = ratio("email_open_ratio", opened, n)
    found |= ratio("email_click_ratio", sum("email.clicked" in types for types in delivered), n)
    found |= ratio("email_unsubscribe_ratio", sum("email.unsubscribed" in types for types in delivered), n)
    return found | ratio("email_bounce_ratio", bounced, n + bounced)


def goals(events: list[Event], inside: Inside) -> Numbers:
    tried, reached = (sum(map(inside, of(events, kind))) for kind in ("goal.tried", "goal.reached"))
    visits = sum(map(inside, of(events, "visit.page", "visit.app")))
    found = ratio("goal_success_rate", reached, tried)
    return found | (ratio("conversion_rate", reached, visits) if reached else {})


def public(events: list[Event], inside: Inside) -> Numbers:
    stars = [event["rating"] for event in of(events, "review.posted") if inside(event)]
    said = [event.get("sentiment") for event in of(events, "social.mention") if inside(event)]
    felt = len(said) - said.count(None)
    found: Numbers = {"review_score": (Fraction(sum(stars), len(stars)), len(stars))} if stars else {}
    found |= {"mentions": (Fraction(len(said)), len(said))} if said else {}
    found |= ratio("mention_positive_ratio", said.count("positive"), felt)
    return found | ratio("mention_negative_ratio", said.count("negative"), felt)


def responses(events: list[Event], inside: Inside) -> Numbers:
    last: dict[tuple[str, str, str], Event] = {}
    for event in sorted(of(events, "survey.answered"), key=when):
        last[event["customer"], event["survey"], event["kind"]] = event
    found: Numbers = {}
    for kind in ("ces", "csat", "nps"):
        sent = sum(event["kind"] == kind and inside(event) for event in of(events, "survey.sent"))
        found |= ratio(f"{kind}_response_rate", sum(e["kind"] == kind and inside(e) for e in last.values()), sent)
    return found
