"""Asking for help in writing: by email or in a social network."""

from agents.simulator.desk import open_ticket, reply, settle, staff_wait
from agents.simulator.incident import Kind
from agents.simulator.scene import Scene
from agents.simulator.survey import ask
from schemas.email import EmailReceived
from schemas.review import SocialMentioned
from schemas.ticket import TicketMerged, TicketOpened, TicketPending


def mail(scene: Scene) -> None:
    """An email becomes a ticket; some customers write a second one that is merged into the first."""
    scene.emit(EmailReceived, "email", subject="A question about my order", touchpoint="support")
    scene.wait(3)
    open_ticket(scene, "email")
    if scene.chance(0.5):
        scene.wait(2)
        reply(scene, "email", "bot")
    if scene.chance(0.05):
        _ask_again(scene)
    correspond(scene, "email", 300)


def mention(scene: Scene) -> None:
    """A complaint in public that the desk picks up."""
    scene.emit(SocialMentioned, "social", sentiment="negative", network="x", text="@us is anybody there?")
    scene.wait(60)
    open_ticket(scene, "social")
    correspond(scene, "social", 200)


def correspond(scene: Scene, channel: str, median_s: float) -> None:
    """The desk answers within about ``median_s``; about one customer in four has to write once more."""
    if scene.chance(0.15):
        scene.wait(40)
        reply(scene, channel, "agent", public=False)
    if scene.trouble(channel, Kind.SLOW_SUPPORT):
        scene.wait(75)
        ask(scene, channel, "in_the_moment", "queue", ("csat", "ces"), well=False)
    scene.wait(staff_wait(scene, channel, median_s))
    reply(scene, channel, "agent")
    again = scene.chance(0.30)
    if again:
        scene.wait(3)
        scene.emit(TicketPending, channel, waiting_for="customer")
        scene.wait(240)
        reply(scene, channel, "customer")
        scene.wait(staff_wait(scene, channel, median_s))
        reply(scene, channel, "agent")
    scene.wait(60)
    settle(scene, channel, well=not (again and scene.chance(0.3)))


def _ask_again(scene: Scene) -> None:
    first, scene.ticket = scene.ticket, scene.number("t")
    scene.wait(90)
    scene.emit(TicketOpened, "email", topic="duplicate", subject="Re: A question about my order")
    scene.wait(45)
    scene.emit(TicketMerged, "email", into=first)
    scene.ticket = first
