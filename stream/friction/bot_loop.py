"""A customer gets no further than the bot."""

from collections.abc import Iterator
from itertools import groupby

from stream.config import Config
from stream.friction import mark
from stream.friction.crowds import crowds
from stream.friction.mark import Mark, Marks
from stream.friction.signal import FOREVER_MS, Finding, Signal
from stream.slices import HOUR_MS


class BotLoop(Signal):
    """In one session, the bot has spoken at least `turns` times in the last `hours`, and no person since.

    An agent's word, a call that is answered and a handoff end the loop, also where these come late. Words without a
    session are not looked at.

    Example:
        >>> from stream.friction.story import event, found
        >>> words = [event("chat.message", f"0:0{minute}", session="s", author="bot") for minute in range(5)]
        >>> found("bot_loop", *words, event("chat.message", "0:07", session="s", author="agent"))
        ['0:04 to 0:07: 5 ≥ 5, s']
    """

    hears = (mark.BOT,)
    calmed_by = (mark.PERSON, mark.TAKEN, mark.HANDED)
    thresholds = {"turns": 5, "hours": 24}
    unit = "turns"
    cooldown_hours = 0

    def begin(self, config: Config) -> None:
        self.least, self.horizon_ms = self.set["turns"], self.set["hours"] * HOUR_MS

    def find(self, marks: Marks) -> Iterator[Finding]:
        sessions: dict[str, list[tuple[int, bool, str, Mark]]] = {}
        for kind in (*self.hears, *self.calmed_by):
            for each in marks.get(kind, ()):
                if each.key is not None:
                    place = each.time_ms, kind != mark.BOT, each.event, each
                    sessions.setdefault(each.key, []).append(place)
        for session, words in sessions.items():
            until_ms = FOREVER_MS
            words.sort(key=_place)
            for by_person, some in reversed([(who, list(run)) for who, run in groupby(words, key=_by_person)]):
                if by_person:
                    until_ms = some[0][0]
                else:
                    yield from self._loops(session, [each for *_, each in some], until_ms)

    def _loops(self, session: str, words: list[Mark], person_ms: int) -> Iterator[Finding]:
        for since_ms, until_ms, some in crowds(words, self.least, self.horizon_ms):
            yield Finding(since_ms, min(until_ms, person_ms), len(some), self.least, some, session)


def _place(word: tuple[int, bool, str, Mark]) -> tuple[int, bool, str]:
    return word[:3]


def _by_person(word: tuple[int, bool, str, Mark]) -> bool:
    return word[1]
