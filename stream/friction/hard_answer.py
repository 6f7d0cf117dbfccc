"""A customer found it hard."""

from stream.friction.answers import Answer, BadAnswer
from stream.friction.mark import CES
from stream.metrics.ces import HARD


class HardAnswer(BadAnswer):
    """A customer effort score says that it was hard: at or below one third of its scale (1-3 of 7).

    Somebody is to get in touch within `follow_up_hours`. It holds for `open_hours`, or until the customer gives a
    better answer to the same survey; who else has got in touch is not known here.

    Example:
        >>> from stream.friction.story import event, found
        >>> answer = event("survey.answered", survey="s", kind="ces", score=3)
        >>> found("hard_answer", answer)
        ['0:00 to 168:00: 0.33333 ≤ 0.33333, s']
        >>> found("hard_answer", answer, event("survey.answered", "1:00", survey="s", kind="ces", score=4))
        []
    """

    hears = (CES,)
    unit = "position on the scale, from 0 to 1"
    sign = "≤"

    def judge(self, answer: Answer) -> tuple[float, float] | None:
        if answer.position > HARD:
            return None
        return float(answer.position), float(HARD)
