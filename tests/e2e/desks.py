"""Desks of a test, on a broker; alerts and handling put on their topics; and what is read back."""

import os
import re
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from kafka import KafkaProducer
from msgspec import json
from prometheus_client.parser import text_string_to_metric_families

from agents import topics
from agents.alertmail import letter
from agents.settings import Settings, load
from schemas.alert import AnyAlert, decode_alert
from schemas.handling import AnyHandling
from schemas.openalert import OpenAlert, decode_open
from tests.e2e.consume import consume
from tests.e2e.workers import free_port


class DeskProcess:
    """One `cxstream desk`."""

    def __init__(self, office: "Office", environment: Mapping[str, str]) -> None:
        self.port = free_port()
        self.log = office.folder / f"desk-{self.port}.log"
        command = [sys.executable, "-m", "agents.cli", "desk", "--settings", str(office.file)]
        own = {"CXSTREAM_PORT": str(self.port)}
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, **own, **environment})

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return str(answer.read().decode())

    def sample(self, name: str) -> float:
        """A metric, over all labels; 0 while it cannot be asked."""
        try:
            families = list(text_string_to_metric_families(self.get("/metrics")))
        except OSError:
            return 0.0
        return sum(each.value for family in families for each in family.samples if each.name == name)

    def answer(self, path: str) -> tuple[int, str]:
        """Status code and body."""
        try:
            return 200, self.get(path)
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def is_ready(self) -> bool:
        try:
            return bool(json.decode(self.get("/readyz")) == {"status": "ok"})
        except OSError:
            return False

    def is_active(self) -> bool:
        """Does it do the work, with all read that was there before?"""
        return self.is_ready() and self.sample("cx_desk_active") == 1

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(30)


class Office:
    """Settings, topics and desks of one application."""

    def __init__(self, bootstrap: str, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.file = folder / "cxstream.yaml"
        name = f"{re.sub(r'[^a-z0-9]+', '-', folder.name)[-40:]}-{secrets.token_hex(3)}"
        given = {"bootstrap": bootstrap, "id": name, "prefix": f"{name}.", "partitions": 1, "session_seconds": 6}
        self.file.write_text(yaml.safe_dump(given | settings))
        self.settings: Settings = load(self.file, environment={})
        self.desks: list[DeskProcess] = []
        topics.ensure(self.settings)
        self._producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all")

    def start(self, wait: bool = True, **environment: str) -> DeskProcess:
        desk = DeskProcess(self, environment)
        self.desks.append(desk)
        if wait:
            self.wait(desk.is_active, "the desk is active")
        return desk

    def alert(self, *alerts: AnyAlert) -> None:
        for alert in alerts:
            key, value, headers = letter(alert, self.settings)
            self._send("alerts", key, value, headers)
        self._producer.flush()

    def handle(self, *records: AnyHandling) -> None:
        for record in records:
            self._send("handling", record.key.encode(), json.encode(record))
        self._producer.flush()

    def _send(self, topic: str, key: bytes | None, value: bytes | None, headers: Sequence[Any] = ()) -> None:
        self._producer.send(self.settings.topic(topic), key=key, value=value, headers=list(headers))

    def put(self, topic: str, key: bytes, value: bytes | None) -> None:
        """A record as it is."""
        self._send(topic, key, value)
        self._producer.flush()

    def latest(self, topic: str) -> dict[bytes, bytes | None]:
        """The last value of each key."""
        return {record.key: record.value for record in consume(self.settings.bootstrap, self.settings.topic(topic))}

    def alerts(self) -> list[AnyAlert]:
        """Every record of `alerts`, repeats too."""
        records = consume(self.settings.bootstrap, self.settings.topic("alerts"))
        return [decode_alert(record.value) for record in records if record.value[:1] == b"{"]

    def open(self) -> dict[str, OpenAlert]:
        """What `alerts-open` comes to."""
        found: dict[str, OpenAlert] = {}
        for record in consume(self.settings.bootstrap, self.settings.topic("alerts-open")):
            if record.value in (None, b"{}"):
                found.pop(record.key.decode(), None)
            else:
                found[record.key.decode()] = decode_open(record.value)
        return found

    def is_known(self, outlet: str) -> bool:
        """Is there a position of an outlet?"""
        records = consume(self.settings.bootstrap, self.settings.topic("alerts-told"))
        return any(record.key == outlet.encode() for record in records)

    def statuses(self) -> dict[str, str]:
        return {key: known.status for key, known in self.open().items()}

    def wait(self, condition: Callable[[], object], what: str, seconds: float = 60) -> None:
        """Until a condition holds; the logs are in the error when it does not."""
        end = time.monotonic() + seconds
        while not condition():
            for desk in self.desks:
                failed = desk.process.poll() not in (None, -signal.SIGKILL, 0)
                assert not failed, f"a desk died: {desk.log.read_text()[-3000:]}"
            assert time.monotonic() < end, f"not so in {seconds} s: {what}. {self.logs()}"
            time.sleep(0.1)

    def logs(self) -> str:
        return "\n".join(f"{desk.log}: {desk.log.read_text()[-3000:]}" for desk in self.desks)

    def close(self) -> None:
        self._producer.close()
        for desk in self.desks:
            desk.stop(signal.SIGKILL)


@contextmanager
def office(bootstrap: str, folder: Path, **settings: Any) -> Iterator[Office]:
    opened = Office(bootstrap, folder, **settings)
    try:
        yield opened
    finally:
        opened.close()
