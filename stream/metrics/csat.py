"""Customer satisfaction."""

from collections.abc import Iterator
from fractions import Fraction

from stream.facts import Answered, Fact
from stream.metrics import distribution
from stream.metrics.base import Metric, Reading, Value

SATISFIED = Fraction(3, 4)


class Csat(Metric):
    """How satisfied customers were, on a scale of 1 to 10 unless the answer says else.

    Formulas:
        csat_score = Σ score / answers, each on its own scale; it comes with the whole distribution
        csat_normalized_score = Σ (1 + 9 · (score − min) / (max − min)) / answers, so on 1-10 for all
        csat_satisfied_ratio = answers from three quarters of the scale on (4-5 of 5, 6-7 of 7, 8-10 of 10) / answers
    Counters:
        csat:LOW:HIGH:SCORE: answers with this score on this scale
    Edge cases:
        A later answer of a customer to the same survey replaces the earlier, which is taken back where it was counted.
        A score off its scale is rejected, with that reason.
        3 of 5 is neither satisfied nor left out: it stays in the denominator.
    Source:
        Top-box satisfaction as in the American Customer Satisfaction Index; neutral answers as SimpleSat counts them
    Example:
        >>> csat = Csat()
        >>> counters = dict(csat.count(Answered("csat", 4, 1, 5))) | dict(csat.count(Answered("csat", 3, 1, 5)))
        >>> {name: value.value for name, value in csat.read(Reading(counters)).items()}
        {'csat_score': 3.5, 'csat_normalized_score': 6.625, 'csat_satisfied_ratio': 0.5}
    """

    values = {"csat_score": "score", "csat_normalized_score": "score", "csat_satisfied_ratio": "ratio"}
    facts = (Answered,)

    def count(self, fact: Fact) -> Iterator[tuple[str, int]]:
        if isinstance(fact, Answered) and fact.kind == "csat":
            yield from distribution.count(fact)

    def read(self, reading: Reading) -> dict[str, Value]:
        answers = distribution.read(reading, "csat")
        n = sum(answers.values())
        if not n:
            return {}
        normalized = sum((1 + 9 * distribution.position(*scale)) * k for scale, k in answers.items())
        satisfied = sum(k for scale, k in answers.items() if distribution.position(*scale) >= SATISFIED)
        mean = sum(scale[2] * k for scale, k in answers.items()) / n
        return {
            "csat_score": Value(mean, n, distribution.by_scale(answers)),
            "csat_normalized_score": Value(float(normalized / n), n),
            "csat_satisfied_ratio": Value(satisfied / n, n),
        }
