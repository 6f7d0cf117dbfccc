"""An Apache Kafka with a listener of its own for every place where a worker runs, each behind a proxy.

Clients go on to the address that the broker advertises for the listener they first reached: the proxy's. Who uses
``bootstrap`` gets past all proxies.
"""

from collections.abc import Sequence
from pathlib import Path
from random import Random

from agents.brokers.kafka import KafkaBroker
from agents.brokers.ports import LOOPBACK, free_port
from tests.chaos.proxy import Proxy


class ProxiedKafka(KafkaBroker):
    """``proxies[place]`` is where the worker of that place finds the broker."""

    def __init__(self, places: int, random: Random) -> None:
        super().__init__()
        self.proxies = [Proxy(free_port(), free_port(), random) for _ in range(places)]

    def address(self, place: int) -> str:
        return f"{LOOPBACK}:{self.proxies[place].port}"

    def _command(self, home: Path) -> Sequence[str]:
        properties = home / "server.properties"
        is_new = not properties.exists()
        command = super()._command(home)
        if is_new:
            with properties.open("a") as file:
                file.writelines(f"{key}={value}\n" for key, value in self._listeners().items())
        return command

    def _listeners(self) -> dict[str, str]:
        """What takes the place of the broker's own listeners."""
        names = [f"PLACE{place}" for place in range(len(self.proxies))]
        direct, controller = f"PLAINTEXT://{self.bootstrap}", f"CONTROLLER://{self._controller}"
        bound = [f"{name}://{LOOPBACK}:{proxy.target}" for name, proxy in zip(names, self.proxies, strict=True)]
        told = [f"{name}://{self.address(place)}" for place, name in enumerate(names)]
        return {
            "listeners": ",".join([direct, controller, *bound]),
            "advertised.listeners": ",".join([direct, *told]),
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": ",".join(
                f"{name}:PLAINTEXT" for name in ["PLAINTEXT", "CONTROLLER", *names]
            ),
        }
