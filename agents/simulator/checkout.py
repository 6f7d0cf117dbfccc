"""Paying: completed, failed, tried again, given back."""

from agents.simulator.catalogue import CURRENCIES
from agents.simulator.incident import Kind
from agents.simulator.scene import Scene
from agents.simulator.survey import ask
from schemas.goal import GoalReached, GoalTried
from schemas.purchase import PurchaseCompleted, PurchaseFailed, PurchaseRefunded
from schemas.visit import ErrorSeen


def check_out(scene: Scene, channel: str, device: str, cart: str, amount: int) -> None:
    """Try to pay up to three times, then say how it was; some orders are given back later."""
    goal = {"goal": "checkout_completed", "touchpoint": "checkout"}
    order = {"order": scene.number("o"), "currency": CURRENCIES[scene.customer.region.name], "touchpoint": "checkout"}
    scene.emit(GoalTried, channel, **goal)
    for attempt in range(3):
        scene.wait(25)
        broken = scene.trouble(channel, Kind.BROKEN_CHECKOUT)
        if not broken and not scene.chance(0.05):
            break
        _fail(scene, channel, device, order, amount, broken)
        if attempt == 2 or not scene.chance(0.6):
            ask(scene, channel, "transactional", "checkout", ("csat", "ces"), well=False)
            return
    referral = f"r{scene.rng.randrange(500):03d}" if scene.chance(0.06) else None
    items = 1 + int(scene.rng.random() * 3)
    scene.emit(PurchaseCompleted, channel, amount=amount, items=items, cart=cart, referral=referral, **order)
    scene.wait(1)
    scene.emit(GoalReached, channel, **goal)
    if scene.chance(0.6):
        scene.wait(20)
        ask(scene, channel, "transactional", "checkout", ("csat", "ces"), well=attempt == 0)
    if scene.chance(0.04):
        scene.wait(1_200)
        scene.session = None
        scene.emit(PurchaseRefunded, channel, amount=amount if scene.chance(0.8) else amount // 2, **order)


def _fail(scene: Scene, channel: str, device: str, order: dict[str, str], amount: int, broken: bool) -> None:
    error = "payment_gateway_timeout" if broken else scene.pick(("card_declined", "3ds_failed", "limit_exceeded"))
    scene.emit(PurchaseFailed, channel, amount=amount, error=error, **order)
    if broken:
        scene.wait(1)
        scene.emit(ErrorSeen, channel, error=error, page="checkout", device=device, touchpoint="checkout")
