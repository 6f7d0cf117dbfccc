"""What stands on this machine for addresses and paths in containers."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import copytree
from typing import Any

import yaml

from agents.brokers.ports import LOOPBACK, free_port
from deploy.stack.composed import Service

_OWN = {"", "localhost", LOOPBACK, "0.0.0.0"}


class Place:
    """Ports of the loopback interface for the ports of ``replicas`` of each service, and a ``folder`` for their paths.

    What names a service with a port means its first replica, as there is no balancing here.
    """

    def __init__(self, folder: Path, services: Mapping[str, Service], replicas: Mapping[str, int]) -> None:
        self.folder = folder
        self._services = services
        self._replicas = replicas
        self._ports: dict[tuple[str, int, int], int] = {}
        names = "|".join(map(re.escape, services))
        self._address = re.compile(rf"(?<![\w.-])({names}|localhost|127\.0\.0\.1|0\.0\.0\.0|(?<=//)):(\d{{2,5}})\b")

    def port(self, name: str, port: int, replica: int = 0) -> int:
        """The port that stands for a port of a replica."""
        key = (name, port, replica)
        if key not in self._ports:
            self._ports[key] = free_port()
        return self._ports[key]

    def home(self, service: Service, replica: int) -> Path:
        """Where a replica keeps what it has."""
        path = self.folder / f"{service.name}-{replica + 1}"
        path.mkdir(parents=True, exist_ok=True)
        return path

    def text(self, text: str, service: Service, replica: int = 0) -> str:
        """A text that a replica is given, with the addresses and paths of here."""

        def here(found: re.Match[str]) -> str:
            own = found[1] in _OWN
            port = self.port(service.name if own else found[1], int(found[2]), replica if own else 0)
            return f"{LOOPBACK}:{port}"

        for target in sorted(service.mounts, key=len, reverse=True):
            text = re.sub(rf"(?<![\w.]){re.escape(target)}(?![\w.-])", str(self._path(service, replica, target)), text)
        return self._address.sub(here, text)

    def mount(self, service: Service, replica: int = 0) -> None:
        """Put what a replica mounts into its folder, rewritten."""
        for target, source in service.mounts.items():
            path = self._path(service, replica, target)
            if source is None:
                path.mkdir(parents=True, exist_ok=True)
            elif source.is_dir():
                copytree(
                    source, path, ignore=lambda _, names: [name for name in names if name.endswith((".py", ".pyc"))]
                )
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(source.read_bytes())
            for file in (path, *path.rglob("*")):
                if file.suffix in (".yml", ".yaml"):
                    file.write_text(self._config(file.read_text(), service, replica))

    def _path(self, service: Service, replica: int, target: str) -> Path:
        return self.home(service, replica) / "mounts" / target.lstrip("/")

    def _config(self, text: str, service: Service, replica: int) -> str:
        text = self.text(text, service, replica)
        return (
            yaml.safe_dump(self._without_dns(yaml.safe_load(text)), sort_keys=False)
            if "dns_sd_configs" in text
            else text
        )

    def _without_dns(self, given: Any) -> Any:
        """There are no names of services here: who is to be found by one is named."""
        if isinstance(given, list):
            return [self._without_dns(each) for each in given]
        if not isinstance(given, dict):
            return given
        rest = {key: self._without_dns(value) for key, value in given.items() if key != "dns_sd_configs"}
        if "dns_sd_configs" in given:
            targets = [
                target for each in given["dns_sd_configs"] for target in self._targets(each["names"], each["port"])
            ]
            rest["static_configs"] = [{"targets": targets}]
        return rest

    def _targets(self, names: Sequence[str], port: int) -> list[str]:
        return [
            f"{LOOPBACK}:{self.port(name, port, replica)}"
            for name in names
            for replica in range(self._replicas.get(name, 1))
        ]
