"""A customer is about to leave."""

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from stream.cases.trial import WITHIN_DAYS
from stream.config import Config
from stream.friction import mark
from stream.friction.answers import answers
from stream.friction.mark import Mark, Marks, when
from stream.friction.signal import FOREVER_MS, Finding, Signal
from stream.slices import DAY_MS

_KINDS = (mark.CES, mark.CSAT, mark.NPS)
_TREND = 3
"""Answers of which each is worse than the one before."""


class _Reason(NamedTuple):
    since_ms: int
    until_ms: int
    name: str
    evidence: Sequence[Mark]


class ChurnRisk(Signal):
    """At least `reasons` of three reasons hold to think that the customer is about to leave.

    - Activity falls: of the last `days` local days the customer was active on at most half as many as of the `days`
      before, and these were at least `active_days`.
    - A trial ends within `trial_days`, and the customer has not been active on any day after the one on which it
      began, nor has it been paid or cancelled. It ends as in the metrics: when it says, after 30 days at the latest.
    - The trend is negative: of the last three answers of one kind, to different surveys within twice `days`, each is
      lower on its scale than the one before.

    Only activity from when the signal was switched on is known. The evidence of activity is a touchpoint of each day.

    Example:
        >>> from stream.friction.story import event, found
        >>> found("churn_risk", *[event("visit.page", f"{24 * day}:00", page="/") for day in range(4)])
        ['408:00 to 672:00: 1 ≥ 1']
    """

    hears = (mark.DAY, mark.TRIAL, *_KINDS)
    calmed_by = (mark.SUBSCRIBED, mark.CANCELLED)
    thresholds = {"reasons": 1, "days": 14, "active_days": 4, "trial_days": 3}
    limits = {"reasons": 3, "active_days": 32}
    unit = "reasons"
    cooldown_hours = 168

    def begin(self, config: Config) -> None:
        self._calendar = config.calendar
        self._days, self._within_ms = self.set["days"], 2 * self.set["days"] * DAY_MS
        self._least = {mark.DAY: self.set["active_days"], mark.TRIAL: 1} | dict.fromkeys(_KINDS, _TREND)
        self.horizon_ms = max(self._within_ms + 2 * DAY_MS, WITHIN_DAYS * DAY_MS)

    def soonest_ms(self, kind: str, new: Mark, marks: Marks) -> int:
        return new.time_ms if len(marks.get(kind, ())) >= self._least[kind] else FOREVER_MS

    def find(self, marks: Marks) -> Iterator[Finding]:
        reasons: list[_Reason] = []
        if len(marks.get(mark.DAY, ())) >= self._least[mark.DAY]:
            reasons += self._falling(marks)
        if mark.TRIAL in marks:
            reasons += self._unused(marks)
        for kind in _KINDS:
            if len(marks.get(kind, ())) >= self._least[kind]:
                reasons += self._trend(marks, kind)
        if not reasons:
            return
        moments = sorted({at_ms for each in reasons for at_ms in each[:2]})
        for since_ms, until_ms in pairwise(moments):
            some = [each for each in reasons if each.since_ms <= since_ms and until_ms <= each.until_ms]
            names = sorted({each.name for each in some})
            if len(names) >= self.set["reasons"]:
                evidence = sorted({m.event: m for each in some for m in each.evidence}.values(), key=when)
                notes = {"reasons": ", ".join(names)}
                yield Finding(since_ms, until_ms, len(names), self.set["reasons"], evidence, notes=notes)

    def _falling(self, marks: Marks) -> Iterator[_Reason]:
        active = marks[mark.DAY]
        days = {self._calendar.day_number(each.time_ms) for each in active}
        every = range(min(days), max(days) + 2 * self._days + 1)
        for falls, some in groupby(every, key=lambda today: self._falls(days, today)):
            if falls:
                run = list(some)
                since_ms, until_ms = map(self._calendar.day_number_start_ms, (run[0], run[-1] + 1))
                yield _Reason(since_ms, until_ms, "falling activity", active)

    def _falls(self, days: set[int], today: int) -> bool:
        recent = sum(today - self._days < day <= today for day in days)
        before = sum(today - 2 * self._days < day <= today - self._days for day in days)
        return before >= self.set["active_days"] and 2 * recent <= before

    def _unused(self, marks: Marks) -> Iterator[_Reason]:
        trials: dict[str | None, Mark] = {}
        for each in marks[mark.TRIAL]:
            trials.setdefault(each.key, each)
        for account, began in trials.items():
            latest_ms = began.time_ms + WITHIN_DAYS * DAY_MS
            end_ms = min(max(began.number, began.time_ms), latest_ms) if began.number else latest_ms
            since_ms = max(began.time_ms, end_ms - self.set["trial_days"] * DAY_MS)
            until_ms = min(end_ms, self._used_ms(marks, began), _decided_ms(marks, account, began))
            if since_ms < until_ms:
                yield _Reason(since_ms, until_ms, "trial ending unused", (began,))

    def _used_ms(self, marks: Marks, began: Mark) -> int:
        """When the customer was first active on a later day than that on which a trial began."""
        day_number = self._calendar.day_number
        first = day_number(began.time_ms)
        days = [day_number(each.time_ms) for each in marks.get(mark.DAY, ())]
        later = min((day for day in days if day > first), default=None)
        return FOREVER_MS if later is None else self._calendar.day_number_start_ms(later)

    def _trend(self, marks: Marks, kind: str) -> Iterator[_Reason]:
        series = sorted(answers(marks, kind), key=lambda answer: when(answer.mark))
        for at in range(_TREND, len(series) + 1):
            some = series[at - _TREND : at]
            until_ms = some[0].mark.time_ms + self._within_ms
            if at < len(series):
                until_ms = min(until_ms, series[at].mark.time_ms)
            falls = all(later.position < earlier.position for earlier, later in pairwise(some))
            if falls and some[-1].mark.time_ms < until_ms:
                evidence = [answer.mark for answer in some]
                yield _Reason(some[-1].mark.time_ms, until_ms, "negative trend", evidence)


def _decided_ms(marks: Marks, account: str | None, began: Mark) -> int:
    """When a trial was paid or cancelled."""
    ends = [*marks.get(mark.SUBSCRIBED, ()), *marks.get(mark.CANCELLED, ())]
    found = (each.time_ms for each in ends if each.key == account and each.time_ms >= began.time_ms)
    return min(found, default=FOREVER_MS)
