"""Customer effort score."""

from collections.abc import Iterator
from fractions import Fraction

from stream.facts import Answered, Fact
from stream.metrics import distribution
from stream.metrics.base import Metric, Reading, Value

EASY = Fraction(2, 3)
HARD = Fraction(1, 3)


class Ces(Metric):
    """How easy customers found it; 7 is easiest, on a scale of 1 to 7 unless the answer says else.

    Formulas:
        ces_score = Σ score / answers, each on its own scale; it comes with the whole distribution
        ces_easy_ratio = answers at or above two thirds of the scale (5-7 of 7) / answers
        ces_hard_ratio = answers at or below one third of the scale (1-3 of 7) / answers
    Counters:
        ces:LOW:HIGH:SCORE: answers with this score on this scale
    Edge cases:
        A later answer of a customer to the same survey replaces the earlier, which is taken back where it was counted.
        A score off its scale is rejected, with that reason.
        On other scales than 1-7 a position (score − min) / (max − min) of 2/3 or more is easy, of 1/3 or less is hard.
    Source:
        Dixon, Freeman, Toman: Stop Trying to Delight Your Customers, HBR 2010 (CES 2.0: agreement, 1-7)
    Example:
        >>> ces = Ces()
        >>> counters = dict(ces.count(Answered("ces", 6, 1, 7))) | dict(ces.count(Answered("ces", 3, 1, 7)))
        >>> {name: value.value for name, value in ces.read(Reading(counters)).items()}
        {'ces_score': 4.5, 'ces_easy_ratio': 0.5, 'ces_hard_ratio': 0.5}
    """

    values = {"ces_score": "score", "ces_easy_ratio": "ratio", "ces_hard_ratio": "ratio"}
    facts = (Answered,)

    def count(self, fact: Fact) -> Iterator[tuple[str, int]]:
        if isinstance(fact, Answered) and fact.kind == "ces":
            yield from distribution.count(fact)

    def read(self, reading: Reading) -> dict[str, Value]:
        answers = distribution.read(reading.total, "ces")
        n = sum(answers.values())
        if not n:
            return {}
        easy = sum(k for scale, k in answers.items() if distribution.position(*scale) >= EASY)
        hard = sum(k for scale, k in answers.items() if distribution.position(*scale) <= HARD)
        mean = sum(scale[2] * k for scale, k in answers.items()) / n
        return {
            "ces_score": Value(mean, n, distribution.by_scale(answers)),
            "ces_easy_ratio": Value(easy / n, n),
            "ces_hard_ratio": Value(hard / n, n),
        }
