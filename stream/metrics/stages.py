"""Stages: how customers move from one stage of their journey to the next."""

from collections.abc import Iterator

from stream.facts import Fact, Moved, Stayed
from stream.metrics.base import Metric, Reading, Value
from stream.sketch import Cumulative
from stream.stages import JOINED, LAPSED, STAGES

DURATIONS = tuple(f"stage_{name}_p50_seconds" for name in STAGES)


class Stages(Metric):
    """How many customers came to each stage of their journey, how long they had been in it, and how many left from it.

    Formulas:
        stage_awareness_entered = customers who came to awareness: of whom something was heard for the first time
        stage_awareness_dropoff_ratio = customers who lapsed from awareness / customers who left it
        stage_awareness_p50_seconds = how long half of those who left awareness had been in it, within 1 %
        stage_consideration_entered = customers who came to consideration
        stage_consideration_dropoff_ratio = customers who lapsed from consideration / customers who left it
        stage_consideration_p50_seconds = how long half of those who left consideration had been in it, within 1 %
        stage_purchase_entered = customers who came to purchase
        stage_purchase_dropoff_ratio = customers who lapsed from purchase / customers who left it
        stage_purchase_p50_seconds = how long half of those who left purchase had been in it, within 1 %
        stage_retention_entered = customers who came to retention
        stage_retention_dropoff_ratio = customers who lapsed from retention / customers who left it
        stage_retention_p50_seconds = how long half of those who left retention had been in it, within 1 %
        stage_advocacy_entered = customers who came to advocacy
        stage_advocacy_dropoff_ratio = customers who lapsed from advocacy / customers who left it
        stage_advocacy_p50_seconds = how long half of those who left advocacy had been in it, within 1 %
        stage_engagement_entered = customers who came to engagement, of the preset `four`
        stage_engagement_dropoff_ratio = customers who lapsed from engagement / customers who left it
        stage_engagement_p50_seconds = how long half of those who left engagement had been in it, within 1 %
        stage_conversion_entered = customers who came to conversion, of the preset `four`
        stage_conversion_dropoff_ratio = customers who lapsed from conversion / customers who left it
        stage_conversion_p50_seconds = how long half of those who left conversion had been in it, within 1 %
        stage_lapsed_entered = customers of whom nothing was heard for `lapse_days` (30)
        stage_lapsed_left = customers who came back after that
    Counters:
        stage.FROM.TO: moves from one stage to another; `none` is where all come from
        stayed.FROM.bINDEX: moves from a stage after a time in this bucket of a histogram of logarithms; in days alone
    Edge cases:
        A stage is entered at the time of the touchpoint that tells of it, also where that arrives late: the last 24
            touchpoints of a customer are put in order, and what they had counted as before is taken back.
        How long a stage lasted counts by the day, and can only be read over whole local days.
        The stage only moves forward; who goes from awareness to purchase at once was never in consideration.
        Who comes back after a lapse is where they were before, and may go on from there by the same touchpoint.
        Whoever was forgotten (`customer_days`) begins anew.
        Of two ids that turn out to be one customer, the touchpoints that can still be put in order are one journey.
            What is older stays counted; the id that had not come as far leaves its stage, and that is no drop-off.
    Source:
        The customer journey in five stages, and its variant in four (setting `stages`)
    Example:
        >>> from stream.sketch import bucket
        >>> stages = Stages()
        >>> turns = [Moved("awareness", "purchase"), Stayed("awareness", bucket(60_000))]
        >>> counters = dict(pair for turn in turns for pair in stages.count(turn))
        >>> found = stages.read(Reading(counters, [counters]))
        >>> found["stage_purchase_entered"].value, round(found["stage_awareness_p50_seconds"].value)
        (1, 60)
    """

    values = {
        **{
            f"stage_{name}_{what}": unit
            for name in STAGES
            for what, unit in (("entered", "customers"), ("dropoff_ratio", "ratio"), ("p50_seconds", "seconds"))
        },
        "stage_lapsed_entered": "customers",
        "stage_lapsed_left": "customers",
    }
    facts = (Moved, Stayed)

    def count(self, fact: Fact) -> Iterator[tuple[str, int]]:
        if isinstance(fact, Moved):
            yield f"stage.{fact.before or 'none'}.{fact.stage}", fact.sign
        elif isinstance(fact, Stayed):
            yield f"stayed.{fact.stage}.b{fact.bucket}", fact.sign

    def read(self, reading: Reading) -> dict[str, Value]:
        moves = transitions(reading)
        if not moves:
            return {}
        found: dict[str, Value] = {}
        for name in (*STAGES, LAPSED):
            entered = sum(n for (_, to), n in moves.items() if to == name)
            left = sum(n for (before, to), n in moves.items() if before == name and to != JOINED)
            if entered:
                found[f"stage_{name}_entered"] = Value(entered, entered)
            if left and name == LAPSED:
                found["stage_lapsed_left"] = Value(left, left)
            elif left:
                found[f"stage_{name}_dropoff_ratio"] = Value(moves.get((name, LAPSED), 0) / left, left)
            if left and name != LAPSED and reading.days is not None:
                stayed = reading.under(f"stayed.{name}.b")
                median_ms = Cumulative({int(index): n for index, n in stayed.items()}).quantile(0.5)
                if median_ms is not None:
                    found[f"stage_{name}_p50_seconds"] = Value(median_ms / 1000, sum(stayed.values()))
        return found


def transitions(reading: Reading) -> dict[tuple[str, str], int]:
    """How many customers moved from one stage to another; from ``none`` at the beginning.

    >>> transitions(Reading({"stage.none.awareness": 2, "resolved": 1}))
    {('none', 'awareness'): 2}
    """
    return {pair(name): number for name, number in reading.under("stage.").items() if number}


def pair(name: str) -> tuple[str, str]:
    """From where to where a counter is, as its name says.

    >>> pair("none.awareness")
    ('none', 'awareness')
    """
    before, to = name.split(".")
    return before, to
