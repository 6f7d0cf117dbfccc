"""Free TCP ports on the loopback interface."""

from __future__ import annotations

import random
import socket

from agents.brokers.broker import BrokerError

LOOPBACK = "127.0.0.1"
RANGE = range(20_000, 32_768)
"""Below the ports that systems hand out to outgoing connections. There, a client that keeps reconnecting to a broker
that is down would sooner or later be given the broker's own port, connect to itself, and keep it from coming back."""


def free_port() -> int:
    """A port of RANGE that nobody listens on now. Raises BrokerError when a hundred tries found none."""
    for port in random.sample(RANGE, 100):
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise BrokerError(f"no free port on {LOOPBACK} between {RANGE.start} and {RANGE.stop}: close some listeners.")
