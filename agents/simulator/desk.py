"""What the support desk does with a ticket, whatever the channel it came by."""

from agents.simulator.catalogue import PRIORITIES, QUESTIONS, REPLIES, TEAMS, TOPICS
from agents.simulator.incident import Kind
from agents.simulator.scene import Scene
from agents.simulator.survey import ask
from schemas.ticket import (
    TicketAssigned,
    TicketClosed,
    TicketOpened,
    TicketReopened,
    TicketReplied,
    TicketResolved,
)
from schemas.touchpoint import Priority


def staff_wait(scene: Scene, channel: str, median_s: float) -> float:
    """The median time in seconds that our side takes: eight times as long while support is slow."""
    return median_s * 8 if scene.trouble(channel, Kind.SLOW_SUPPORT) else median_s


def open_ticket(scene: Scene, channel: str, author: str = "customer") -> str:
    """Open a ticket for the right team, assign it, and return the agent."""
    team = scene.team = scene.pick(TEAMS)
    priority = urgency(scene) or scene.pick(PRIORITIES)
    scene.ticket = scene.number("t")
    topic, subject = scene.pick(TOPICS[team]), scene.pick(QUESTIONS)
    scene.emit(TicketOpened, channel, author=author, topic=topic, priority=priority, subject=subject)
    return assign(scene, channel)


def urgency(scene: Scene) -> Priority | None:
    """The priority that a customer has whatever it is about; None where it depends on that."""
    return "high" if scene.customer.persona.name == "vip" else None


def assign(scene: Scene, channel: str) -> str:
    """Give the ticket to somebody of its team."""
    agent = f"{scene.team}-{1 + int(scene.rng.random() * 12):02d}"
    scene.wait(2)
    scene.emit(TicketAssigned, channel, agent=agent)
    return agent


def reply(scene: Scene, channel: str, author: str, *, public: bool = True) -> None:
    """Write in the ticket."""
    text = scene.pick(QUESTIONS if author == "customer" else REPLIES)
    scene.emit(TicketReplied, channel, author=author, public=public, text=text)


def settle(scene: Scene, channel: str, *, well: bool = True) -> None:
    """Resolve the ticket, ask how it was, and close it, unless the customer brings it back first."""
    scene.session = None
    scene.wait(staff_wait(scene, channel, 20))
    scene.emit(TicketResolved, channel)
    if scene.chance(0.8):
        scene.wait(25)
        ask(scene, channel, "transactional", "support", ("csat", "ces"), well=well)
    if scene.chance(0.08):
        scene.wait(420)
        scene.emit(TicketReopened, channel)
        scene.wait(staff_wait(scene, channel, 240))
        reply(scene, channel, "agent")
        scene.wait(120)
        scene.emit(TicketResolved, channel)
        if scene.chance(0.5):
            scene.wait(25)
            ask(scene, channel, "transactional", "support", ("csat",), well=False)
    scene.wait(1_500)
    scene.emit(TicketClosed, channel)
