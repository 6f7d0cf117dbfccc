"""A cluster that somebody else runs, at an address that was given."""

from __future__ import annotations

import os
from typing import ClassVar

from agents.brokers.broker import Broker, BrokerError
from agents.brokers.probe import wait_until_ready
from agents.cluster import addresses

VARIABLE = "CXSTREAM_BOOTSTRAP"


class ConfiguredBroker(Broker):
    """The cluster at `bootstrap`, or else at the environment's CXSTREAM_BOOTSTRAP.

    `start` only looks whether it answers within `timeout_s` seconds; nothing is ever stopped. The address is
    `host:port`, several joined by commas; a leading `kafka://`, as Faust writes it, is left out.
    """

    name: ClassVar[str] = "configured"

    def __init__(self, bootstrap: str | None = None, timeout_s: float = 10.0) -> None:
        if bootstrap is None and (reason := self.available()) is not None:
            raise BrokerError(f"no cluster is configured: {reason}, and no address was given. Do either.")
        self._origin = f"the environment variable {VARIABLE}" if bootstrap is None else "the given bootstrap address"
        self.bootstrap = _checked(os.environ.get(VARIABLE, "") if bootstrap is None else bootstrap, self._origin)
        self._timeout_s = timeout_s

    @classmethod
    def available(cls) -> str | None:
        return None if os.environ.get(VARIABLE) else f"{VARIABLE} is not set"

    def start(self) -> None:
        trouble = wait_until_ready(self.bootstrap, self._timeout_s)
        if trouble is not None:
            raise BrokerError(
                f"Kafka at {self.bootstrap} (from {self._origin}) doesn't answer: {trouble}. "
                "Start that cluster, correct the address, or leave it out to get a local broker."
            )

    def stop(self) -> None:
        """Nothing to do: the cluster was there before and stays."""


def _checked(given: str, origin: str) -> str:
    try:
        return addresses(given)
    except ValueError as error:
        raise BrokerError(f"{error} (from {origin}).") from None
