"""Answers to surveys, and what all signals about a bad one have in common."""

from abc import abstractmethod
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from stream.config import Config
from stream.friction.mark import Mark, Marks
from stream.friction.signal import FOREVER_MS, Finding, Signal
from stream.metrics.distribution import position
from stream.slices import HOUR_MS


class Answer(NamedTuple):
    """The latest answer to a survey, and where on its scale it is, from 0 to 1."""

    mark: Mark
    position: Fraction


def answers(marks: Marks, kind: str) -> Iterator[Answer]:
    """The answers of a kind that count: a later one replaces an earlier one to the same survey."""
    latest = {each.key: each for each in marks.get(kind, ())}
    return map(_read, latest.values())


def _read(given: Mark) -> Answer:
    low, high = map(int, (given.note or "").split())
    return Answer(given, position(low, high, given.number))


class BadAnswer(Signal):
    """A bad answer to a survey, until it is replaced by a better one, or ``open_hours`` are over."""

    thresholds = {"open_hours": 168, "follow_up_hours": 24}
    cooldown_hours = 0

    def begin(self, config: Config) -> None:
        self.horizon_ms = self.set["open_hours"] * HOUR_MS
        self._follow_up_ms = self.set["follow_up_hours"] * HOUR_MS

    @abstractmethod
    def judge(self, answer: Answer) -> tuple[float, float] | None:
        """What is measured of a bad answer, and its bound; None where it is none."""

    def soonest_ms(self, kind: str, new: Mark, marks: Marks) -> int:
        return FOREVER_MS if self.judge(_read(new)) is None else new.time_ms

    def find(self, marks: Marks) -> Iterator[Finding]:
        for answer in answers(marks, *self.hears):
            judged = self.judge(answer)
            if judged is not None:
                given = answer.mark
                yield Finding(
                    given.time_ms,
                    given.time_ms + self.horizon_ms,
                    *judged,
                    evidence=(given,),
                    about=given.key,
                    due_ms=given.time_ms + self._follow_up_ms,
                )
