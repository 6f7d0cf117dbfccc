"""A customer was not satisfied."""

from stream.friction.answers import Answer, BadAnswer
from stream.friction.mark import CSAT
from stream.metrics.csat import SATISFIED


class DissatisfiedAnswer(BadAnswer):
    """A satisfaction score that does not count as satisfied: below three quarters of its scale (1-3 of 5, 1-7 of 10).

    Somebody is to get in touch within `follow_up_hours`. It holds for `open_hours`, or until the customer gives a
    better answer to the same survey.

    Example:
        >>> from stream.friction.story import event, found
        >>> answer = event("survey.answered", survey="s", kind="csat", score=7)
        >>> found("dissatisfied_answer", answer)
        ['0:00 to 168:00: 0.66667 < 0.75, s']
        >>> found("dissatisfied_answer", answer, event("survey.answered", "1:00", survey="s", kind="csat", score=8))
        []
    """

    hears = (CSAT,)
    unit = "position on the scale, from 0 to 1"
    sign = "<"

    def judge(self, answer: Answer) -> tuple[float, float] | None:
        if answer.position >= SATISFIED:
            return None
        return float(answer.position), float(SATISFIED)
