"""What we send without being asked, and what becomes of it."""

from agents.simulator.catalogue import CAMPAIGNS
from agents.simulator.scene import Scene
from schemas.email import (
    EmailBounced,
    EmailClicked,
    EmailDelivered,
    EmailOpened,
    EmailSent,
    EmailUnsubscribed,
)


def campaign(scene: Scene) -> None:
    """A campaign email: bounced, ignored, opened, clicked; now and then the last one that the customer wants."""
    name = scene.pick(CAMPAIGNS)
    common = {"email": scene.number("m"), "campaign": name, "touchpoint": "campaign"}
    scene.emit(EmailSent, "email", subject=name.replace("_", " ").capitalize(), **common)
    scene.wait(2)
    if scene.chance(0.025):
        scene.emit(EmailBounced, "email", kind="hard" if scene.chance(0.5) else "soft", **common)
        return
    scene.emit(EmailDelivered, "email", **common)
    if not scene.chance(0.38):
        return
    scene.wait(300, 1.0)
    scene.emit(EmailOpened, "email", **common)
    scene.wait(10)
    if scene.chance(0.22):
        scene.emit(EmailClicked, "email", link=f"https://shop.example/{name}", **common)
    elif scene.chance(0.02):
        scene.emit(EmailUnsubscribed, "email", **common)
