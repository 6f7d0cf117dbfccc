"""Apache Kafka itself, in KRaft mode, on this machine's Java."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from agents.brokers.broker import BrokerError
from agents.brokers.jars import jars, jars_missing
from agents.brokers.java import java, java_missing
from agents.brokers.local import LocalBroker
from agents.brokers.ports import LOOPBACK, free_port
from agents.brokers.settings import CLUSTER_ID, one_node

HEAP = ("-Xms512m", "-Xmx1g", "-XX:+UseSerialGC")
QUIET = ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true")
FORMATTED_WITHIN_S = 60.0


class KafkaBroker(LocalBroker):
    """One node, broker and controller in one, listening on the loopback interface only.

    The first start on a machine downloads 43 MB of jars. Records survive `kill` and `restart`, not `stop`.
    """

    name: ClassVar[str] = "kafka"
    ready_within_s: ClassVar[float] = 90.0
    stopped_within_s: ClassVar[float] = 20.0

    def __init__(self) -> None:
        super().__init__()
        self._controller = f"{LOOPBACK}:{free_port()}"

    @classmethod
    def available(cls) -> str | None:
        return java_missing() or jars_missing()

    def _command(self, home: Path) -> Sequence[str]:
        run = [java() or "java", *HEAP, *QUIET, "-cp", f"{jars()}/*"]
        properties = home / "server.properties"
        if not properties.exists():
            unfinished = home / "server.properties.new"
            _write(unfinished, self._settings(home))
            _format(run, unfinished)
            unfinished.rename(properties)
        return [*run, "kafka.Kafka", str(properties)]

    def _settings(self, home: Path) -> dict[str, str]:
        """What is in its `server.properties`."""
        return one_node(self.bootstrap, self.bootstrap, self._controller) | {"log.dirs": str(home / "data")}


def _write(path: Path, settings: Mapping[str, str]) -> None:
    path.write_text("".join(f"{key}={value}\n" for key, value in settings.items()), encoding="utf-8")


def _format(run: Sequence[str], properties: Path) -> None:
    """Prepare the data directory: a broker refuses one that doesn't say which cluster it belongs to."""
    command = [*run, "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(properties)]
    try:
        subprocess.run(
            command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=FORMATTED_WITHIN_S
        )
    except subprocess.CalledProcessError as error:
        raise BrokerError(
            f"Kafka couldn't format its data directory by {properties}:\n{error.output[-2000:]}"
        ) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BrokerError(f"Kafka couldn't format its data directory by {properties}: {error}") from error
