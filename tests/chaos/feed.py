"""Puts records onto a topic: in order, some at a time, each lot acknowledged before the next."""

import time
from collections.abc import Sequence
from threading import Lock

from kafka import KafkaProducer

from agents.simulator import Record

_STEP_S = 0.1


class Feed:
    """One run's records. While ``sending`` is held by another, nothing is on its way: the broker may be killed."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._bootstrap, self._topic = bootstrap, topic
        self.sending = Lock()
        self.sent = 0

    def send(self, records: Sequence[Record], seconds: float = 0.0) -> None:
        """Send all, evenly spread over so many seconds."""
        began, size = time.monotonic(), max(1, round(len(records) * _STEP_S / seconds)) if seconds else 5_000
        for first in range(0, len(records), size):
            with self.sending:
                self._send(records[first : first + size])
            due = began + seconds * (first + size) / len(records)
            time.sleep(max(0.0, due - time.monotonic()))

    def _send(self, records: Sequence[Record]) -> None:
        # A producer for each lot would be slow and one for all would meet the broker's restarts: it is made anew then.
        producer = self._producer()
        futures = [producer.send(self._topic, value, key=key, timestamp_ms=time_ms) for key, value, time_ms in records]
        producer.flush()
        for future in futures:
            future.get(60)
        self.sent += len(records)

    _kept: KafkaProducer | None = None

    def _producer(self) -> KafkaProducer:
        if self._kept is None:
            self._kept = KafkaProducer(bootstrap_servers=self._bootstrap, acks="all", linger_ms=2)
        return self._kept

    def close(self) -> None:
        """Let go of the connection; the next record makes another."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None
