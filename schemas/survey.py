"""Surveys: the question sent and the answer given."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from schemas.touchpoint import Id, Label, Text, Touchpoint

Kind = Literal["ces", "csat", "nps"]
Purpose = Literal["relational", "transactional", "in_the_moment"]
Score = Annotated[int, Meta(ge=-1000, le=1000)]


class OffScaleError(ValueError):
    """A score that its own scale does not have, or a scale that has no room."""


class Scale(Struct, frozen=True, kw_only=True):
    """The lowest and the highest score that could be given."""

    min: Score
    max: Score


DEFAULT_SCALES = {"ces": Scale(min=1, max=7), "csat": Scale(min=1, max=10), "nps": Scale(min=0, max=10)}


class _Survey(Touchpoint, frozen=True, kw_only=True):
    survey: Id
    kind: Kind
    purpose: Purpose | None = None


class SurveySent(_Survey, frozen=True, kw_only=True, tag="survey.sent"):
    """We asked."""


class SurveyAnswered(_Survey, frozen=True, kw_only=True, tag="survey.answered"):
    """The customer answered one question. A later answer to the same survey and kind replaces the earlier.

    ``scale`` is, unless given, 1-7 for CES (7 is easiest), 1-10 for CSAT, 0-10 for NPS (which knows no other).
    ``reasons`` are codes of what went wrong or well.

    Raises:
        OffScaleError: the score is outside its scale, the scale is empty, or NPS has a scale of its own.
    """

    score: Score
    scale: Scale | None = None
    reasons: Annotated[list[Label], Meta(max_length=32)] = field(default_factory=list)
    comment: Text | None = None
    by_customer = True

    def __post_init__(self) -> None:
        scale = self.scale or DEFAULT_SCALES[self.kind]
        if scale.min >= scale.max:
            raise OffScaleError(f"scale {scale.min} to {scale.max} is empty")
        if self.kind == "nps" and self.scale is not None and scale != DEFAULT_SCALES["nps"]:
            raise OffScaleError(f"NPS knows only the scale 0 to 10, not {scale.min} to {scale.max}")
        if not scale.min <= self.score <= scale.max:
            raise OffScaleError(f"score {self.score} is off its scale {scale.min} to {scale.max}")


Survey = SurveySent | SurveyAnswered
