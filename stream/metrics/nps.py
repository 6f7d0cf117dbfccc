"""Net promoter score."""

from collections.abc import Iterator

from stream.facts import Answered, Fact
from stream.metrics import distribution
from stream.metrics.base import Metric, Reading, Value

PROMOTER = 9
PASSIVE = 7


class Nps(Metric):
    """Would customers recommend us, 0-10: promoters 9-10, passives 7-8, detractors 0-6.

    Formulas:
        nps_score = 100 · (promoters − detractors) / answers, from −100 to 100; it comes with the whole distribution
        nps_promoter_ratio = promoters / answers
        nps_detractor_ratio = detractors / answers
    Counters:
        nps:LOW:HIGH:SCORE: answers with this score, the scale being 0:10
    Edge cases:
        A later answer of a customer to the same survey replaces the earlier, which is taken back where it was counted.
        An answer on another scale than 0-10 is rejected, with that reason.
    Source:
        Reichheld: The One Number You Need to Grow, HBR 2003
    Example:
        >>> nps = Nps()
        >>> counters = dict(nps.count(Answered("nps", 9, 0, 10))) | dict(nps.count(Answered("nps", 8, 0, 10)))
        >>> nps.read(Reading(counters))["nps_score"]
        Value(value=50.0, samples=2)
    """

    values = {"nps_score": "score", "nps_promoter_ratio": "ratio", "nps_detractor_ratio": "ratio"}
    facts = (Answered,)

    def count(self, fact: Fact) -> Iterator[tuple[str, int]]:
        if isinstance(fact, Answered) and fact.kind == "nps":
            yield from distribution.count(fact)

    def read(self, reading: Reading) -> dict[str, Value]:
        answers = distribution.read(reading, "nps")
        n = sum(answers.values())
        if not n:
            return {}
        promoters = sum(k for (_, _, score), k in answers.items() if score >= PROMOTER)
        detractors = sum(k for (_, _, score), k in answers.items() if score < PASSIVE)
        return {
            "nps_score": Value(100 * (promoters - detractors) / n, n, distribution.by_scale(answers)),
            "nps_promoter_ratio": Value(promoters / n, n),
            "nps_detractor_ratio": Value(detractors / n, n),
        }
