"""A customer would not recommend us."""

from stream.friction.answers import Answer, BadAnswer
from stream.friction.mark import NPS
from stream.metrics.nps import PASSIVE


class DetractorAnswer(BadAnswer):
    """An answer to the question of NPS is a detractor's: 0-6 of 10.

    Somebody is to get in touch within `follow_up_hours`. It holds for `open_hours`, or until the customer gives a
    better answer to the same survey.

    Example:
        >>> from stream.friction.story import event, found
        >>> answer = event("survey.answered", survey="s", kind="nps", score=6)
        >>> found("detractor_answer", answer)
        ['0:00 to 168:00: 6 < 7, s']
        >>> found("detractor_answer", answer, event("survey.answered", "1:00", survey="s", kind="nps", score=7))
        []
    """

    hears = (NPS,)
    unit = "score"
    sign = "<"

    def judge(self, answer: Answer) -> tuple[float, float] | None:
        if answer.mark.number >= PASSIVE:
            return None
        return answer.mark.number, PASSIVE
