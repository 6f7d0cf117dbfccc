"""Live chat: a bot first, then a queue, then a person. Sometimes it goes on by telephone, with the same ticket, and
sometimes with an email in between.
"""

from agents.simulator.call import ring
from agents.simulator.catalogue import QUESTIONS, REPLIES, TEAMS
from agents.simulator.desk import open_ticket, settle, staff_wait, urgency
from agents.simulator.scene import Scene
from agents.simulator.survey import ask
from schemas.chat import ChatEnded, ChatHandedOff, ChatMessage, ChatStarted
from schemas.email import EmailReceived
from schemas.ticket import TicketPending


def chat(scene: Scene) -> None:
    """A conversation that ends with the bot, in the queue, solved, or handed over to the telephone."""
    started_ms = _start(scene)
    if not scene.surge and _bot_helps(scene):
        _end(scene, started_ms)
        ask(scene, "chat", "in_the_moment", "bot", ("csat",))
        return
    scene.emit(ChatHandedOff, "chat", to_team=scene.pick(TEAMS), touchpoint="support")
    if not _gets_through(scene):
        _end(scene, started_ms, abandoned=True)
        scene.wait(5)
        ask(scene, "chat", "in_the_moment", "queue", ("csat", "ces"), well=False)
        return
    agent = open_ticket(scene, "chat")
    _talk(scene, 1 + int(scene.rng.random() * 3))
    if scene.chance(0.07):
        scene.emit(ChatHandedOff, "chat", to_channel="phone", to_agent=agent, touchpoint="support")
        _end(scene, started_ms)
        if scene.chance(0.35):
            scene.wait(300)
            scene.emit(EmailReceived, "email", subject="The photographs you asked for", touchpoint="support")
            scene.wait(600)
        scene.wait(60)
        ring(scene)
        return
    again = scene.chance(0.23)
    if again:
        scene.emit(TicketPending, "chat", waiting_for="customer")
    _end(scene, started_ms)
    if again:
        _come_back(scene)
    settle(scene, "chat", well=not (again and scene.chance(0.3)))


def _start(scene: Scene) -> int:
    scene.session = scene.number("s")
    scene.emit(ChatStarted, "chat", priority=urgency(scene), touchpoint="support")
    return scene.now_ms


def _end(scene: Scene, started_ms: int, *, abandoned: bool = False) -> None:
    scene.wait(8)
    duration_ms = scene.now_ms - started_ms
    scene.emit(ChatEnded, "chat", duration_ms=duration_ms, abandoned=abandoned, touchpoint="support")


def _say(scene: Scene, author: str) -> None:
    text = scene.pick(QUESTIONS if author == "customer" else REPLIES)
    scene.emit(ChatMessage, "chat", author=author, text=text, touchpoint="support")


def _bot_helps(scene: Scene) -> bool:
    for _ in range(1 + int(scene.rng.random() * 2)):
        scene.wait(12)
        _say(scene, "customer")
        scene.wait(2, 0.3)
        _say(scene, "bot")
    return scene.chance(0.15)


def _gets_through(scene: Scene) -> bool:
    """Queue for a person; False if patience ran out first."""
    patience_ms = int(1000 * scene.rng.lognormvariate(5.0, 0.4))
    queue_ms = int(1000 * staff_wait(scene, "chat", 35) * scene.rng.lognormvariate(0, 0.6))
    scene.now_ms += min(queue_ms, patience_ms)
    return queue_ms <= patience_ms


def _talk(scene: Scene, turns: int) -> None:
    scene.wait(3)
    _say(scene, "agent")
    for _ in range(turns):
        scene.wait(25)
        _say(scene, "customer")
        scene.wait(30)
        _say(scene, "agent")


def _come_back(scene: Scene) -> None:
    """A second contact about the same ticket."""
    scene.wait(400)
    started_ms = _start(scene)
    scene.wait(15)
    _say(scene, "customer")
    scene.wait(staff_wait(scene, "chat", 35))
    _talk(scene, 1)
    _end(scene, started_ms)
