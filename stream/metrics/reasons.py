"""Reasons of survey answers: what went well or wrong, by how customers felt."""

from collections.abc import Iterator

from stream.facts import Answered, Fact
from stream.metrics import distribution
from stream.metrics.base import Metric, Reading, Value
from stream.metrics.ces import EASY, HARD
from stream.metrics.csat import SATISFIED
from stream.metrics.nps import PASSIVE, PROMOTER

_GROUPS = {
    "nps": ("promoter", "passive", "detractor"),
    "csat": ("satisfied", "dissatisfied"),
    "ces": ("easy", "neutral", "hard"),
}
_PREFIX = "reasons:"


class Reasons(Metric):
    """Why customers answered a survey as they did: what went well or wrong, apart for those who liked it and did not.

    Formulas:
        reasons_given_ratio = answers with at least one reason / answers; it comes with answers by group and reason
    Counters:
        reasons.given: answers with at least one reason
        reasons:KIND:GROUP:CODE: answers of that group that gave this reason
    Edge cases:
        Groups are, of NPS, promoter (9-10), passive (7-8) and detractor (0-6); of CSAT, satisfied (from three quarters
            of the scale on) and dissatisfied; of CES, easy (from two thirds on), hard (up to one third) and neutral.
        A later answer of a customer to the same survey replaces the earlier with its reasons, which are taken back.
        A reason that an answer gives twice counts once. An answer may have several, so that they add up to more than
            the answers.
        A partition tells `max_reasons` (100) codes apart; those that come later count as `other`, once for each answer.
        Answers that were counted before there were reasons have none.
    Source:
        Follow-up question of NPS surveys ("what is the reason for your score?"), its answers coded
    Example:
        >>> both = [Answered("nps", 3, 0, 10, reasons=("price",)), Answered("nps", 9, 0, 10)]
        >>> counters = {"nps:0:10:3": 1, "nps:0:10:9": 1} | {k: n for each in both for k, n in Reasons().count(each)}
        >>> given = Reasons().read(Reading(counters))["reasons_given_ratio"]
        >>> given, given.distribution
        (Value(value=0.5, samples=2), {'nps detractor': {'price': 1}})
    """

    values = {"reasons_given_ratio": "ratio"}
    facts = (Answered,)

    def count(self, fact: Fact) -> Iterator[tuple[str, int]]:
        if isinstance(fact, Answered) and fact.reasons:
            yield "reasons.given", fact.sign
            for code in fact.reasons:
                yield f"{_PREFIX}{fact.kind}:{_group(fact)}:{code}", fact.sign

    def read(self, reading: Reading) -> dict[str, Value]:
        n = sum(sum(distribution.read(reading, kind).values()) for kind in _GROUPS)
        if not n:
            return {}
        given = reading.total.get("reasons.given", 0)
        return {"reasons_given_ratio": Value(given / n, n, _by_group(reading))}


def _group(answer: Answered) -> str:
    if answer.kind == "nps":
        return "promoter" if answer.score >= PROMOTER else "passive" if answer.score >= PASSIVE else "detractor"
    position = distribution.position(answer.low, answer.high, answer.score)
    if answer.kind == "csat":
        return "satisfied" if position >= SATISFIED else "dissatisfied"
    return "easy" if position >= EASY else "hard" if position <= HARD else "neutral"


def _by_group(reading: Reading) -> dict[str, dict[str, int]]:
    """Number of answers by reason, the most common first, for each group that gave any."""
    found: dict[str, dict[str, int]] = {}
    for kind, groups in _GROUPS.items():
        for group in groups:
            codes = reading.under(f"{_PREFIX}{kind}:{group}:")
            if codes:
                found[f"{kind} {group}"] = dict(sorted(codes.items(), key=lambda item: (-item[1], item[0])))
    return found
