"""Every journey that there is, by name."""

from typing import Final

from agents.simulator.advocacy import advocacy, pulse
from agents.simulator.call import ring
from agents.simulator.campaign import campaign
from agents.simulator.chat import chat
from agents.simulator.incident import Incident, Kind
from agents.simulator.membership import membership
from agents.simulator.scene import Scene
from agents.simulator.store import store
from agents.simulator.support import mail, mention
from agents.simulator.visit import visit

SUPPORT: Final = {"chat": chat, "phone": ring, "email": mail, "social": mention}
"""Channel → how a request for help goes there."""

OTHERS: Final = {
    "campaign": campaign,
    "pulse": pulse,
    "advocacy": advocacy,
    "store": store,
    "membership": membership,
}


def play(scene: Scene, script: str) -> None:
    """Play a journey named in a persona's ``journeys``, in a channel that the persona likes."""
    persona = scene.customer.persona
    if script == "visit":
        visit(scene, "web" if scene.chance(persona.web) else "app")
    elif script == "support":
        SUPPORT[scene.weighted(persona.support)](scene)
    else:
        OTHERS[script](scene)


def play_surge(scene: Scene, incident: Incident) -> None:
    """Play a journey that runs straight into ``incident``."""
    if incident.kind is Kind.SLOW_SUPPORT:
        SUPPORT[incident.channel](scene)
    else:
        visit(scene, incident.channel)
