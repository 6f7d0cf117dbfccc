"""Random stories: what customers do and what is done to them, as events in order of arrival."""

from random import Random
from typing import Any

import orjson

from tests.laws.oracle import Event

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
START = 1_773_187_200_000  # 2026-03-11 00:00 UTC, some days before the clocks change in Europe
REASONS = ("price", "speed", "staff", "other")
CHANNELS = ("web", "phone", "chat", "email")


class Teller:
    """Tells stories over ``days`` days. Each event has a time, and a moment of arrival that is never before it."""

    def __init__(self, seed: int, days: int = 6) -> None:
        self.random = Random(seed)
        self.days = days
        self._told: list[tuple[int, int, Event]] = []

    def story(self, customers: int, acts: int) -> list[Event]:
        """Events in order of arrival; every customer takes part in some ``acts``."""
        for number in range(customers):
            for _ in range(self.random.randint(1, 2 * acts)):
                act = self.random.choice(
                    (
                        *(self._stroll, self._survey, self._survey, self._ticket, self._ticket, self._trouble),
                        *(self._order, self._email, self._talk, self._trial, self._cart, self._account),
                    )
                )
                act(f"customer-{number}")
        self._told.sort(key=lambda told: told[:2])
        return [event for _, _, event in self._told]

    def _stroll(self, customer: str) -> None:
        """Some touchpoints, some done to the customer, some late by minutes, hours or days."""
        for _ in range(self.random.randint(1, 4)):
            late = self.random.choice((0, 0, 0, 40 * SECOND, 20 * MINUTE, 5 * HOUR, 3 * DAY))
            self._tell(customer, self._moment(), late, **self._any())

    def _any(self) -> dict[str, Any]:
        return self.random.choice(
            [
                {"type": "visit.page", "page": self.random.choice(("/", "/product/7"))},
                {"type": "visit.load", "page": "/", "load_ms": 5},
                {"type": "email.sent"},
                {"type": "email.clicked"},
                {"type": "call.started", "direction": self.random.choice(("inbound", "outbound"))},
                {"type": "chat.message", "author": self.random.choice(("customer", "agent", "bot"))},
                {"type": "account.created"},
                {
                    "type": "social.mention",
                    **self.random.choice(({}, {"sentiment": "positive"}, {"sentiment": "negative"})),
                },
                {"type": "review.posted", "rating": self.random.randint(1, 5)},
                {"type": "survey.sent", "survey": "s", "kind": self.random.choice(("ces", "csat", "nps"))},
                {"type": "goal.tried", "goal": "newsletter"},
                {"type": "goal.reached", "goal": "newsletter"},
                {"type": "purchase.failed", "order": "o", "amount": 100, "currency": "EUR"},
            ]
        )

    def _order(self, customer: str) -> None:
        """An order, paid once or said to be so twice, given back in parts, too much, or in another currency."""
        order, time = f"order-{self.random.randint(1, 10**9)}", self._moment()
        currency = self.random.choice(("EUR", "EUR", "EUR", "USD"))
        for _ in range(self.random.choice((0, 1, 1, 1, 1, 1, 2))):
            referral = self.random.choice(({}, {}, {"referral": "bob"}))
            amount = self.random.choice((0, 100, 100, 200))
            late = self.random.choice((0, 0, 90 * SECOND, 2 * HOUR))
            paid = {"type": "purchase.completed", "order": order, "amount": amount, "currency": currency}
            self._tell(customer, time + self.random.choice((0, HOUR)), late, **paid, **referral)
        for _ in range(self.random.choice((0, 0, 1, 1, 2, 3))):
            time += self.random.choice((0, MINUTE, 7 * HOUR, DAY))
            refund = {"amount": self.random.choice((0, 40, 60, 100)), "currency": self.random.choice((currency, "EUR"))}
            late = self.random.choice((0, 0, 20 * MINUTE, DAY))
            self._tell(customer, time, late, type="purchase.refunded", order=order, **refund)

    def _talk(self, customer: str) -> None:
        """A conversation by chat or telephone, in any order: answered, abandoned, both or neither; some never began."""
        session, time = {"session": f"talk-{self.random.randint(1, 10**9)}"}, self._moment()
        if self.random.random() < 0.5:
            began: dict[str, Any] = {"type": "chat.started"}
            answered: dict[str, Any] = {"type": "chat.message", "author": self.random.choice(("agent", "bot"))}
            ended = {"type": "chat.ended", "abandoned": self.random.random() < 0.5}
        else:
            began = {"type": "call.started", "direction": self.random.choice(("inbound", "inbound", "outbound"))}
            answered = {"type": "call.answered", **self.random.choice(({}, {"wait_ms": 7_000}, {"wait_ms": 9_000}))}
            ended = {"type": "call.ended", "abandoned": self.random.random() < 0.5}
        for step in self.random.sample((began, began, answered, answered, ended, ended), self.random.randint(1, 5)):
            late = self.random.choice((0, 0, 30 * SECOND, HOUR))
            urgency = self._priority() if step is began else {}
            after = self.random.choice((0, 20 * SECOND, 5 * MINUTE))
            self._tell(customer, time + after, late, **step, **session, **urgency)

    def _trial(self, customer: str) -> None:
        """A trial of an account, converted in time, too late, before its start, or never; some never began."""
        account, time = {"account": f"account-{self.random.randint(1, 10**9)}"}, self._moment()
        for _ in range(self.random.choice((0, 1, 1, 1, 2))):
            late = self.random.choice((0, 0, HOUR, DAY))
            start = time + self.random.choice((0, 0, DAY))
            ends = self.random.choice(({}, {"ends_ms": start + DAY}, {"ends_ms": start + 60 * DAY}, {"ends_ms": 1}))
            self._tell(customer, start, late, type="account.trial_started", **account, **ends)
        for _ in range(self.random.choice((0, 0, 1, 1, 2))):
            after = self.random.choice((0, HOUR, DAY, 30 * DAY, 31 * DAY)) if self.random.random() < 0.8 else -HOUR
            late = self.random.choice((0, 0, DAY))
            self._tell(customer, max(START, time + after), late, type="account.converted", **account)
        if self.random.random() < 0.3:
            self._tell(customer, time + DAY, 0, type="account.cancelled", **account)

    def _account(self, customer: str) -> None:
        """An account, paid for and cancelled again and again, some of it twice or at one moment, in any order."""
        account = self.random.choice(({}, {"account": f"account-{self.random.randint(1, 3)}"}))
        time = self._moment()
        for _ in range(self.random.randint(1, 5)):
            turn = self.random.choice(("account.converted", "account.cancelled"))
            late = self.random.choice((0, 0, MINUTE, 5 * HOUR, 2 * DAY))
            self._tell(customer, time, late, type=turn, **account)
            time += self.random.choice((0, 1, HOUR, DAY, 2 * DAY))

    def _cart(self, customer: str) -> None:
        """A cart by its id or by its session, filled once or again, bought in time, too late, before it, or never."""
        number, time = self.random.randint(1, 10**9), self._moment()
        cart = self.random.choice(({"cart": f"cart-{number}"}, {"session": f"cart-{number}"}))
        for _ in range(self.random.randint(1, 4)):
            action = self.random.choice(("added", "added", "removed", "checkout", "viewed"))
            late = self.random.choice((0, 0, 20 * MINUTE, 2 * HOUR, DAY))
            self._tell(customer, time, late, type="visit.cart", action=action, **cart)
            time += self.random.choice((0, MINUTE, HOUR - 1, HOUR, HOUR + 1, 5 * HOUR))
        for _ in range(self.random.choice((0, 0, 1, 1, 1, 2))):
            time += self.random.choice((0, MINUTE, -HOUR, 5 * HOUR))
            paid = {"order": f"cart-{self.random.randint(1, 10**9)}", "amount": 100, "currency": "EUR"}
            late = self.random.choice((0, 0, 90 * SECOND, 2 * HOUR))
            self._tell(customer, max(START, time), late, type="purchase.completed", **paid, **cart)

    def _email(self, customer: str) -> None:
        """An email and what became of it, in any order; some have no id, some are never said to be delivered."""
        known = self.random.choice(({"email": f"email-{self.random.randint(1, 10**9)}"},) * 4 + ({},))
        time = self._moment()
        fates = ("delivered", "delivered", "opened", "opened", "clicked", "bounced", "unsubscribed")
        for fate in self.random.sample(fates, self.random.randint(1, 4)):
            time += self.random.choice((0, 9 * SECOND, HOUR, DAY))
            self._tell(customer, time, self.random.choice((0, 0, HOUR, DAY)), type=f"email.{fate}", **known)

    def _survey(self, customer: str) -> None:
        """One survey, answered up to three times; answers may arrive in the wrong order."""
        kind = self.random.choice(("ces", "csat", "nps"))
        survey = f"{kind}-{self.random.randint(1, 3)}"
        scales: dict[str, list[tuple[int, int] | None]] = {
            "ces": [None, (1, 5), (0, 3), (1, 7)],
            "csat": [None, (1, 5), (1, 7), (-5, 5)],
            "nps": [None, (0, 10)],
        }
        for _ in range(self.random.randint(1, 3)):
            scale = self.random.choice(scales[kind])
            low, high = scale or {"ces": (1, 7), "csat": (1, 10), "nps": (0, 10)}[kind]
            given: dict[str, Any] = {} if scale is None else {"scale": {"min": low, "max": high}}
            given |= self.random.choice(
                ({}, {}, {"reasons": self.random.choices(REASONS, k=self.random.randint(0, 3))})
            )
            score = self.random.randint(low, high)
            late = self.random.choice((0, 0, 90 * SECOND, 2 * HOUR, 2 * DAY))
            time = self._moment()
            self._tell(customer, time, late, type="survey.answered", survey=survey, kind=kind, score=score, **given)

    def _ticket(self, customer: str) -> None:
        """A ticket's life, arriving late as a whole or each step as late as it likes; by chat or by other ways.

        Topics are few, so that a customer has several tickets on one. Some are opened twice, for another reason.
        """
        ticket, time = f"ticket-{self.random.randint(1, 10**9)}", self._moment()
        late = self.random.choice((0, 0, 0, 30 * MINUTE, DAY))
        chat, whole = self.random.random() < 0.5, self.random.random() < 0.5
        opening: dict[str, Any] = {"type": "ticket.opened", "author": self.random.choice(("customer", "agent"))}
        knows_opening = self.random.random() < 0.9
        if knows_opening:
            said = {**opening, "ticket": ticket, **self._team(), **self._session(chat, 1)}
            self._tell(customer, time, late, **said, **self._reason())
            if self.random.random() < 0.2:
                other = max(START, time + self.random.choice((0, -HOUR, 2 * HOUR)))
                self._tell(customer, other, self.random.choice((0, HOUR, 3 * DAY)), **said, **self._reason())
        for _ in range(self.random.randint(0 if knows_opening else 1, 7)):
            time += self.random.choice((1, 9_999, MINUTE, 50 * MINUTE, 7 * HOUR, DAY))
            late = late if whole else self.random.choice((0, 0, 30 * MINUTE, DAY))
            self._tell(customer, time, late, ticket=ticket, **self._step(chat))

    def _trouble(self, customer: str) -> None:
        """Tickets on one topic in a row, soon resolved; some are merged, reopened, or resolved before their opening."""
        time, topic = self._moment(), self.random.choice(({"topic": "login"}, {"topic": "bill"}))
        for _ in range(self.random.randint(2, 4)):
            ticket = {"ticket": f"ticket-{self.random.randint(1, 10**9)}"}
            steps = ["ticket.opened", "ticket.resolved"] + ["ticket.reopened", "ticket.resolved"] * (
                self.random.random() < 0.3
            )
            if self.random.random() < 0.2:
                steps[:2] = ["ticket.resolved", "ticket.opened"]
            for step in steps:
                said = {**topic, **self._priority()} if step == "ticket.opened" else {}
                self._tell(customer, time, self.random.choice((0, 0, 0, HOUR, DAY)), type=step, **ticket, **said)
                time += self.random.choice((0, 1, MINUTE, 4 * HOUR, DAY))
            if self.random.random() < 0.1:
                self._tell(customer, time, 0, type="ticket.merged", into="another", **ticket)
            time += self.random.choice((0, HOUR, DAY, 2 * DAY, 3 * DAY))

    def _step(self, chat: bool) -> dict[str, Any]:
        author = self.random.choice(("customer", "agent"))
        word: dict[str, Any]
        if chat:
            word = {"type": "chat.message", "author": author, **self._session(True, self.random.choice((1, 1, 1, 2)))}
        else:
            word = {"type": "ticket.replied", "author": author, "public": self.random.random() < 0.8}
        ways: list[dict[str, Any]] = [
            {"type": "call.started"},
            {"type": "call.started", "direction": "outbound"},
            {"type": "email.received"},
        ]
        return self.random.choice(
            [
                *([word] * 6),
                *([] if chat else ways),
                *([{"type": "ticket.resolved"}] * 4),
                {"type": "ticket.reopened", "author": author},
                {"type": "ticket.closed"},
                {"type": "ticket.closed"},
                {"type": "ticket.pending"},
                {"type": "ticket.assigned", **self._team()},
                {"type": "chat.handed_off", **self.random.choice(({}, {"to_team": "a"}, {"to_team": "b"}))},
                *([{"type": "ticket.merged", "into": "another"}] if self.random.random() < 0.3 else []),
            ]
        )

    def _reason(self) -> dict[str, str]:
        return {
            **self.random.choice(({}, {"topic": "login"}, {"topic": "login"}, {"topic": "bill"})),
            **self._priority(),
        }

    def _priority(self) -> dict[str, str]:
        return self.random.choice(({}, *({"priority": priority} for priority in ("low", "normal", "high", "urgent"))))

    def _team(self) -> dict[str, str]:
        return self.random.choice(({}, {"team": "a"}, {"team": "b"}))

    def _session(self, chat: bool, number: int) -> dict[str, str]:
        return {"session": f"s{number}"} if chat else {}

    def _moment(self) -> int:
        """Any moment, often one on or beside an edge."""
        time = START + self.random.randrange(self.days * DAY)
        grain = self.random.choice((1, 1, 1, 10 * SECOND, MINUTE, HOUR, DAY))
        return max(START, time - time % grain - self.random.choice((0, 0, 1)))

    def _tell(self, customer: str, time: int, late: int, **fields: Any) -> None:
        number = len(self._told)
        event = {"id": f"e{number}", "time": time, "customer": customer, "channel": self.random.choice(CHANNELS)}
        for name, values in (("segment", ("vip", "new")), ("region", ("eu", "us")), ("product", ("app",))):
            value = self.random.choice((None, *values))
            if value is not None:
                event[name] = value
        self._told.append((time + late, number, {**event, **fields}))


def record(event: Event) -> tuple[bytes, bytes]:
    """Key and value of the event's record."""
    return event["customer"].encode(), orjson.dumps(event)
