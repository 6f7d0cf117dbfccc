"""Asking customers, and how they answer: glad, sad, or in the middle of an incident."""

from collections.abc import Mapping
from typing import Final

from agents.simulator.incident import Kind
from agents.simulator.scene import Scene
from schemas.survey import Scale, SurveyAnswered, SurveySent


def urn(shares: Mapping[int, int]) -> tuple[int, ...]:
    """A hundred lots: each score as often as its share in percent."""
    return tuple(score for score, percent in shares.items() for _ in range(percent))


GLAD: Final = {
    "csat": urn({10: 37, 9: 31, 8: 21, 7: 7, 6: 4}),
    "ces": urn({7: 48, 6: 30, 5: 14, 4: 6, 3: 2}),
    "nps": urn({10: 40, 9: 24, 8: 18, 7: 11, 6: 3, 5: 4}),
}
SAD: Final = {
    "csat": urn({9: 10, 8: 22, 7: 24, 6: 16, 5: 12, 4: 8, 3: 4, 2: 2, 1: 2}),
    "ces": urn({6: 14, 5: 20, 4: 24, 3: 20, 2: 12, 1: 10}),
    "nps": urn({9: 10, 8: 16, 7: 20, 6: 18, 5: 14, 4: 8, 3: 6, 2: 4, 1: 2, 0: 2}),
}
ANGRY: Final = {
    "csat": urn({4: 10, 3: 20, 2: 30, 1: 40}),
    "ces": urn({3: 20, 2: 35, 1: 45}),
    "nps": urn({5: 10, 4: 10, 3: 20, 2: 20, 1: 20, 0: 20}),
}
"""During an incident: CSAT 1 to 4 of 10, CES 1 to 3 of 7, detractors."""

FIVE_STARS: Final = Scale(min=1, max=5)
BAD_REASONS: Final = ("slow", "unhelpful", "had_to_repeat", "not_solved", "complicated", "price")
GOOD_REASONS: Final = ("fast", "friendly", "easy", "good_value", "solved")
BAD_COMMENTS: Final = ("Nothing worked.", "I had to try again and again.", "Nobody could tell me why.", "Never again.")
GOOD_COMMENTS: Final = ("Quick and friendly.", "Easy as it should be.", "Thank you!", "Solved in minutes.")

ANSWER_SHARE: Final = 0.45
ANGRY_ANSWER_SHARE: Final = 0.75
"""People who are in trouble answer more often, and sooner."""


def ask(
    scene: Scene, channel: str, purpose: str, touchpoint: str, kinds: tuple[str, ...], *, well: bool = True
) -> None:
    """Send one survey with a question of each of ``kinds``; often it is answered. ``well`` is how it went.

    The time of the *answer* decides whether an incident spoils it, so an incident's effect ends sharply with it.
    """
    survey = scene.number("v")
    common = {"survey": survey, "purpose": purpose, "touchpoint": touchpoint}
    for kind in kinds:
        scene.emit(SurveySent, channel, kind=kind, **common)
    spoilers = (Kind.BAD_RELEASE,) if kinds == ("nps",) else ()
    in_trouble = scene.trouble(channel, *spoilers)
    if not scene.chance(ANGRY_ANSWER_SHARE if in_trouble else ANSWER_SHARE):
        return
    scene.wait(20 if in_trouble else 45)
    glad = well and scene.chance(scene.customer.persona.goodwill)
    for kind in kinds:
        _answer(scene, channel, kind, glad, scene.trouble(channel, *spoilers), common)
        scene.wait(4)
    if scene.chance(0.03):
        scene.wait(60)
        _answer(scene, channel, kinds[0], glad, scene.trouble(channel, *spoilers), common)


def _answer(scene: Scene, channel: str, kind: str, glad: bool, angry: bool, common: dict[str, str]) -> None:
    score = scene.pick((ANGRY if angry else GLAD if glad else SAD)[kind])
    content = glad and not angry
    reasons = [scene.pick(GOOD_REASONS if content else BAD_REASONS)] if scene.chance(0.4) else []
    comment = scene.pick(GOOD_COMMENTS if content else BAD_COMMENTS) if scene.chance(0.15) else None
    scale = None
    if kind == "csat" and channel == "phone":
        # The keypad survey after a call knows five stars only. Halving down keeps satisfied (8-10) satisfied (4-5).
        score, scale = max(1, score // 2), FIVE_STARS
    scene.emit(SurveyAnswered, channel, kind=kind, score=score, scale=scale, reasons=reasons, comment=comment, **common)
