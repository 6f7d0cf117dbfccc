"""What customers say of us: to us in the relational survey, to others in reviews and networks."""

from agents.simulator.catalogue import NETWORKS
from agents.simulator.scene import Scene
from agents.simulator.survey import BAD_COMMENTS, GOOD_COMMENTS, ask
from schemas.review import ReviewPosted, SocialMentioned


def pulse(scene: Scene) -> None:
    """The relational survey: would you recommend us? By email, or in the app."""
    channel = "email" if scene.chance(0.6) else "app"
    ask(scene, channel, "relational", "relationship", ("nps",))


def advocacy(scene: Scene) -> None:
    """A review or a mention in a network."""
    glad = scene.chance(scene.customer.persona.goodwill)
    text = scene.pick(GOOD_COMMENTS if glad else BAD_COMMENTS)
    if scene.chance(0.5):
        rating = scene.pick((5, 5, 5, 4, 4, 3) if glad else (1, 1, 2, 3))
        scene.emit(ReviewPosted, "web", rating=rating, text=text, touchpoint="review")
        return
    sentiment = scene.pick(("positive", "positive", "neutral") if glad else ("negative", "negative", "neutral"))
    scene.emit(SocialMentioned, "social", sentiment=sentiment, network=scene.pick(NETWORKS), text=text)
