"""Advocacy: what customers say of us in public."""

from collections.abc import Iterator

from stream.facts import Fact, Mentioned, Reviewed
from stream.metrics.base import Metric, Reading, Value


class Advocacy(Metric):
    """What is said of us in public: stars of reviews, and mentions by their sentiment.

    Formulas:
        review_score = Σ stars / reviews, from 1 to 5; it comes with the whole distribution
        mentions = mentions of us
        mention_positive_ratio = positive mentions / mentions with a sentiment
        mention_negative_ratio = negative mentions / mentions with a sentiment
    Counters:
        review.STARS: reviews with so many stars
        mention.SENTIMENT: mentions that the source calls positive, neutral or negative
        mention.unknown: mentions without a sentiment
    Edge cases:
        Reviews and mentions are not the customer's activity: they are reach and advocacy.
        Each review counts, also a second one by the same customer.
        Sentiment is the source's: nothing is guessed.
    Source:
        Star ratings and share of voice by sentiment, as review platforms report them
    Example:
        >>> advocacy = Advocacy()
        >>> counters = dict(advocacy.count(Reviewed(4))) | dict(advocacy.count(Mentioned("positive")))
        >>> {name: value.value for name, value in advocacy.read(Reading(counters)).items()}
        {'review_score': 4.0, 'mentions': 1, 'mention_positive_ratio': 1.0, 'mention_negative_ratio': 0.0}
    """

    values = {
        "review_score": "score",
        "mentions": "mentions",
        "mention_positive_ratio": "ratio",
        "mention_negative_ratio": "ratio",
    }
    facts = (Reviewed, Mentioned)

    def count(self, fact: Fact) -> Iterator[tuple[str, int]]:
        if isinstance(fact, Reviewed):
            yield f"review.{fact.rating}", 1
        elif isinstance(fact, Mentioned):
            yield f"mention.{fact.sentiment or 'unknown'}", 1

    def read(self, reading: Reading) -> dict[str, Value]:
        found: dict[str, Value] = {}
        stars = {int(rating): n for rating, n in sorted(reading.under("review.").items())}
        reviews = sum(stars.values())
        if reviews:
            mean = sum(rating * n for rating, n in stars.items()) / reviews
            found["review_score"] = Value(mean, reviews, {"1-5": {str(rating): n for rating, n in stars.items()}})
        mentions = reading.under("mention.")
        said = sum(mentions.values())
        felt = said - mentions.get("unknown", 0)
        if said:
            found["mentions"] = Value(said, said)
        if felt:
            found["mention_positive_ratio"] = Value(mentions.get("positive", 0) / felt, felt)
            found["mention_negative_ratio"] = Value(mentions.get("negative", 0) / felt, felt)
        return found
