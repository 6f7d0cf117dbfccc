"""The telephone: the queue, the conversation, the second call, and our call back to those who gave up."""

from agents.simulator.desk import open_ticket, reply, settle, staff_wait, urgency
from agents.simulator.scene import Scene
from agents.simulator.survey import ask
from schemas.call import CallAnswered, CallEnded, CallStarted
from schemas.ticket import TicketPending


def ring(scene: Scene) -> None:
    """A call to us, about a new ticket or the one that is open; those who give up may be called back."""
    if not _gets_through(scene):
        scene.wait(5)
        ask(scene, "phone", "in_the_moment", "queue", ("csat", "ces"), well=False)
        if scene.ticket is None and not scene.chance(0.5):
            return
        scene.wait(staff_wait(scene, "phone", 400))
        _call_back(scene)
        settle(scene, "phone")
        return
    again = scene.chance(0.26)
    _talk(scene)
    if again:
        scene.emit(TicketPending, "phone", waiting_for="customer")
        scene.wait(400)
        if _gets_through(scene):
            _talk(scene)
    settle(scene, "phone", well=not (again and scene.chance(0.3)))


def _gets_through(scene: Scene) -> bool:
    """Ring and queue; False if the customer gave up first."""
    scene.session = scene.number("s")
    scene.emit(CallStarted, "phone", direction="inbound", priority=urgency(scene), touchpoint="support")
    patience_ms = int(1000 * scene.rng.lognormvariate(5.2, 0.4))
    queue_ms = int(1000 * staff_wait(scene, "phone", 40) * scene.rng.lognormvariate(0, 0.6))
    waited_ms = min(queue_ms, patience_ms)
    scene.now_ms += waited_ms
    if queue_ms > patience_ms:
        scene.emit(CallEnded, "phone", duration_ms=waited_ms, abandoned=True, touchpoint="support")
        return False
    scene.emit(CallAnswered, "phone", wait_ms=waited_ms, agent=f"phone-{queue_ms % 20:02d}", touchpoint="support")
    return True


def _talk(scene: Scene) -> None:
    started_ms = scene.now_ms
    if scene.ticket is None:
        scene.wait(20)
        open_ticket(scene, "phone")
    scene.wait(150)
    if scene.chance(0.3):
        reply(scene, "phone", "agent", public=False)
        scene.wait(5)
    scene.emit(CallEnded, "phone", duration_ms=scene.now_ms - started_ms, touchpoint="support")
    scene.wait(2)


def _call_back(scene: Scene) -> None:
    scene.session = scene.number("s")
    scene.emit(CallStarted, "phone", direction="outbound", touchpoint="support")
    waited_ms = scene.wait(9)
    scene.emit(CallAnswered, "phone", wait_ms=waited_ms, touchpoint="support")
    _talk(scene)
