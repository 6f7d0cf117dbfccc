"""Stories of customers for whom much goes wrong."""

from typing import Any

from tests.laws.oracle import Event
from tests.laws.stories import DAY, HOUR, MINUTE, SECOND, START, Teller


class Grumbler(Teller):
    """Tells of contacts, errors, messages and conversations with bots, beside all that a ``Teller`` does."""

    def story(self, customers: int, acts: int) -> list[Event]:
        own = (self._contacts, self._errors, self._messages, self._bot, self._payment, self._slow, self._trend)
        usual = (
            self._survey,
            self._ticket,
            self._trouble,
            self._talk,
            self._talk,
            self._talk,
            self._trial,
            self._cart,
            self._stroll,
        )
        for number in range(customers):
            for _ in range(self.random.randint(1, 2 * acts)):
                self.random.choice((*own, *own, *usual))(f"customer-{number}")
        self._told.sort(key=lambda told: told[:2])
        return [event for _, _, event in self._told]

    def _say(self, customer: str, time: int, **fields: Any) -> None:
        self._tell(customer, max(START, time), self.random.choice((0, 0, 0, MINUTE, 5 * HOUR, DAY)), **fields)

    def _later(self, *choices: int) -> int:
        return self.random.choice((*choices, 1, SECOND))

    def _contacts(self, customer: str) -> None:
        time = self._moment()
        for _ in range(self.random.randint(1, 4)):
            kind = self.random.choice(("chat.started", "call.started", "email.received"))
            self._say(customer, time, type=kind)
            time += self._later(15 * MINUTE, 15 * MINUTE - 1, HOUR, 20 * HOUR, 20 * HOUR - 1, 24 * HOUR)

    def _errors(self, customer: str) -> None:
        time = self._moment()
        for _ in range(self.random.randint(1, 4)):
            device = self.random.choice(({}, {"device": "mobile"}, {"device": "mobile"}, {"device": "desktop"}))
            crash = self.random.random() < 0.2
            self._say(customer, time, type="visit.error", error=self.random.choice("ef"), crash=crash, **device)
            time += self._later(HOUR, 24 * HOUR, 24 * HOUR - 1)

    def _messages(self, customer: str) -> None:
        time = self._moment()
        for _ in range(self.random.randint(1, 4)):
            known = self.random.choice(({}, {"campaign": "a"}, {"campaign": "a", "subject": "b"}, {"subject": "b"}))
            ticket = {"ticket": "other"} if self.random.random() < 0.1 else {}
            self._say(customer, time, type="email.sent", **known, **ticket)
            time += self._later(HOUR, DAY, 2 * DAY, 2 * DAY - 1)
        if self.random.random() < 0.5:
            self._say(customer, time, type=self.random.choice(("email.opened", "email.clicked")))

    def _bot(self, customer: str) -> None:
        time, session = self._moment(), {"session": f"bot-{self.random.randint(1, 10**9)}"}
        for _ in range(self.random.randint(2, 7)):
            author = self.random.choice(("bot", "bot", "bot", "customer", "agent"))
            words: list[dict[str, Any]] = [{"type": "chat.message", "author": author}] * 6
            words += [{"type": "chat.handed_off"}, {"type": "call.answered"}]
            self._say(customer, time, **self.random.choice(words), **session)
            time += self._later(0, MINUTE, HOUR, 2 * HOUR - 1)

    def _payment(self, customer: str) -> None:
        time = self._moment()
        paid = {"order": f"order-{self.random.randint(1, 10**9)}", "amount": 100, "currency": "EUR"}
        for _ in range(self.random.randint(1, 4)):
            kind = self.random.choice(("purchase.failed", "purchase.failed", "purchase.completed"))
            self._say(customer, time, type=kind, **paid)
            time += self._later(0, HOUR, 24 * HOUR)

    def _slow(self, customer: str) -> None:
        time = self._moment()
        for _ in range(self.random.randint(1, 3)):
            kind, page = self.random.choice((("visit.page", "page"), ("visit.app", "screen"), ("visit.load", "page")))
            load = self.random.choice((100, 3_999, 4_000, 9_000))
            self._say(customer, time, type=kind, load_ms=load, **{page: "/"})
            time += self._later(MINUTE, HOUR, HOUR - 1)

    def _trend(self, customer: str) -> None:
        time, kind = self._moment(), self.random.choice(("ces", "csat", "nps"))
        for score in sorted(self.random.sample(range(1, 8), 3), reverse=self.random.random() < 0.8):
            survey = f"{kind}-{self.random.randint(1, 6)}"
            self._say(customer, time, type="survey.answered", survey=survey, kind=kind, score=score)
            time += self._later(HOUR, DAY)
