"""Becoming a member and ceasing to be one. Each customer does this at most once in a run."""

from agents.simulator.catalogue import CANCELLATIONS, PLANS
from agents.simulator.persona import HOUR_MS
from agents.simulator.scene import Scene
from schemas.account import AccountCancelled, AccountConverted, AccountCreated, TrialStarted

TRIAL_MS = 14 * 24 * HOUR_MS


def membership(scene: Scene) -> None:
    """New customers create an account, may try and buy a plan, and leave; the others cancel theirs.

    The decisions take minutes instead of days, so that a run of an hour has some of each.
    """
    account = {"account": f"a-{scene.customer.id}", "plan": scene.pick(PLANS), "touchpoint": "account"}
    if scene.customer.persona.name != "new":
        scene.emit(AccountCancelled, "web", reason=scene.pick(CANCELLATIONS), **account)
        return
    scene.emit(AccountCreated, "web", **account)
    if not scene.chance(0.7):
        return
    scene.wait(120)
    scene.emit(TrialStarted, "web", ends_ms=scene.now_ms + TRIAL_MS, **account)
    scene.wait(700, 0.8)
    pays = scene.chance(0.45)
    if pays:
        scene.emit(AccountConverted, "web", **account)
        scene.wait(900, 0.8)
    if scene.chance(0.2 if pays else 0.35):
        scene.emit(AccountCancelled, "web", reason=scene.pick(CANCELLATIONS), **account)
