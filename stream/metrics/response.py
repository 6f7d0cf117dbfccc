"""Response: how many of the surveys that were sent are answered."""

from collections.abc import Iterator

from stream.facts import Asked, Fact
from stream.metrics.base import Metric, Reading, Value


class Response(Metric):
    """How many surveys were answered, for each that was sent.

    Formulas:
        ces_response_rate = answers to effort surveys / effort surveys sent
        csat_response_rate = answers to satisfaction surveys / satisfaction surveys sent
        nps_response_rate = answers to recommendation surveys / recommendation surveys sent
    Counters:
        asked.KIND: surveys of this kind sent
        ces:LOW:HIGH:SCORE: as the scores count them; answers are not counted twice
        csat:LOW:HIGH:SCORE: the same
        nps:LOW:HIGH:SCORE: the same
    Edge cases:
        Surveys count where they were sent, answers where they were given: a rate may exceed 1 where a survey was sent
            before the window, or answered without being sent.
        Each survey sent counts, also one sent to a customer again; of several answers to a survey the last counts.
    Source:
        Response rate = answered / sent
    Example:
        >>> response = Response()
        >>> counters = dict(response.count(Asked("csat"))) | {"csat:1:10:7": 1}
        >>> response.read(Reading(counters))
        {'csat_response_rate': Value(value=1.0, samples=1)}
    """

    values = {"ces_response_rate": "rate", "csat_response_rate": "rate", "nps_response_rate": "rate"}
    facts = (Asked,)

    def count(self, fact: Fact) -> Iterator[tuple[str, int]]:
        if isinstance(fact, Asked):
            yield f"asked.{fact.kind}", 1

    def read(self, reading: Reading) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for kind in ("ces", "csat", "nps"):
            sent = reading.total.get(f"asked.{kind}", 0)
            if sent:
                answers = sum(reading.under(f"{kind}:").values())
                found[f"{kind}_response_rate"] = Value(answers / sent, sent)
        return found
