"""Buying in a shop."""

from agents.simulator.catalogue import CURRENCIES, PRODUCTS
from agents.simulator.scene import Scene
from agents.simulator.survey import ask
from schemas.purchase import PurchaseCompleted


def store(scene: Scene) -> None:
    """A purchase at the till, with a tablet at the door that asks how it was."""
    currency = CURRENCIES[scene.customer.region.name]
    amount = int(PRODUCTS[scene.product] * scene.customer.persona.spend)
    order = scene.number("o")
    scene.emit(
        PurchaseCompleted, "in_person", order=order, amount=amount, currency=currency, items=1, touchpoint="till"
    )
    if scene.chance(0.6):
        scene.wait(60)
        ask(scene, "in_person", "in_the_moment", "till", ("csat",))
