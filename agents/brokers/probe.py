"""Does a broker answer? Asked the way that its clients will ask."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

PAUSE_S = 0.1
ATTEMPT_S = 5.0


def wait_until_ready(bootstrap: str, timeout_s: float, still_starting: Callable[[], bool] = lambda: True) -> str | None:
    """None once the cluster at `bootstrap` lists a broker, else why it did not within `timeout_s` seconds.

    Gives up at once when `still_starting` says no. Ports are tried bare before a client is, because the client
    logs a warning for each refused connection.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        trouble = _unreachable(bootstrap) or _unanswered(bootstrap, min(timeout_s, ATTEMPT_S))
        if trouble is None:
            return None
        if not still_starting():
            return "the process ended"
        if time.monotonic() >= deadline:
            return f"{trouble} (waited {timeout_s:g} s)"
        time.sleep(PAUSE_S)


def _unreachable(bootstrap: str) -> str | None:
    """None when any of the addresses takes a TCP connection."""
    trouble = "no address given"
    for address in bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=1.0).close()
        except OSError as error:
            trouble = f"no connection to {address.strip()}: {error.strerror or error}"
        else:
            return None
    return trouble


def _unanswered(bootstrap: str, attempt_s: float) -> str | None:
    """None when the Kafka protocol is spoken there and at least one broker is in service."""
    patience_ms = int(attempt_s * 1000)
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=bootstrap.split(","), bootstrap_timeout_ms=patience_ms, request_timeout_ms=patience_ms
        )
    except (KafkaError, OSError) as error:
        return f"no Kafka answer: {error}"
    try:
        return None if admin.describe_cluster()["brokers"] else "the cluster has no broker in service yet"
    except (KafkaError, OSError) as error:
        return f"no Kafka answer: {error}"
    finally:
        admin.close()
