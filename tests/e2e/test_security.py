"""A broker that demands TLS and users: everything works through it, and who is not let in is told why in one line."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from agents import client, topics
from agents.brokers import Broker
from agents.handshake import trouble
from agents.security import Security
from agents.settings import load
from schemas.alert import AnyAlert
from stream.slices import HOUR_MS
from tests.e2e.desks import DeskProcess
from tests.e2e.secure import PASSWORD, PLAIN_PASSWORD, PLAIN_USER, SecureKafka
from tests.e2e.traffic import population, send, totals
from tests.e2e.workers import deployment

PURCHASES = "customer_id date number_of_cds dollar_value\n1 19970101 1 11.77\n2 19970112 1 12.00\n"


@pytest.fixture(scope="module")
def secured(kafka: Broker) -> Iterator[SecureKafka]:
    """Skipped or demanded like any other test on Kafka."""
    del kafka
    broker = SecureKafka(reauthenticate_ms=8_000)
    broker.start()
    yield broker
    broker.stop()


def begun(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "agents.cli", *arguments]
    pipes: Mapping[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env={**os.environ, "COLUMNS": "300", **environment}, **pipes)


def said(*arguments: str, **environment: str) -> str:
    """What a command says, which must do what it is told."""
    process = begun(*arguments, **environment)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert err == ""
    return out


def test_everything_goes_through_a_broker_that_demands_tls_and_a_user(secured: SecureKafka, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    security = {
        "security_protocol": "SASL_SSL",
        "sasl_username": "cx",
        "sasl_password_file": "password",
        "ssl_ca_file": str(secured.folder / "ca.pem"),
    }
    with deployment(secured.at("SASL_SSL"), tmp_path, 1, partitions=2, **security) as running:
        file = ("--settings", str(running.file))
        said("simulate", *file, "--minutes", "60", "--customers", "300", "--seed", "3", "--json")
        (tmp_path / "sold.csv").write_text(PURCHASES)
        said("replay", str(tmp_path / "sold.csv"), *file, "--mapping", "cd-purchases", "--json")
        running.wait(lambda: running.lag() == 0 and running.included() > 1_000, "all is included")
        assert running.settings.topic("touchpoints") in said("status", *file)
        assert json.loads(said("metrics", *file, "--format", "json"))
        assert asyncio.run(first_alert(running.settings)).state in ("firing", "resolved")
        desk = DeskProcess(cast(Any, SimpleNamespace(folder=tmp_path, file=running.file)), {})
        try:
            running.wait(desk.is_active, "the desk is active")
        finally:
            assert desk.stop() == 0, desk.log.read_text()
        for log in (desk.log, running.workers[0].log):
            assert "with =signs" not in log.read_text()


async def first_alert(settings: Any) -> AnyAlert:
    stream = client.alerts(settings.bootstrap, "crm", prefix=settings.prefix, security=settings.security)
    try:
        return await asyncio.wait_for(anext(stream), 60)
    finally:
        await stream.aclose()


def test_a_password_that_is_changed_stops_a_worker_which_says_so_and_loses_nothing(
    secured: SecureKafka, tmp_path: Path
) -> None:
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    security = {
        "security_protocol": "SASL_SSL",
        "sasl_username": "cx",
        "sasl_password_file": "password",
        "ssl_ca_file": str(secured.folder / "ca.pem"),
        "log_format": "json",
    }
    records = population()[:4_000]
    with deployment(secured.at("SASL_SSL"), tmp_path, 1, partitions=2, **security) as running:
        running.settings = replace(running.settings, bootstrap=secured.bootstrap, security=Security())
        running.wait_until_read(send(running, records[:2_000]))
        (worker,) = running.workers
        secured.set_password("changed")
        try:
            running.wait(lambda: "refuses the user cx" in worker.trouble("/readyz"), "the worker says why")
            send(running, records[2_000:])
            assert worker.stop() == 0
            password.write_text("changed")
            running.workers.clear()
            running.start()
            running.wait_until_read(len(records))
        finally:
            secured.set_password(PASSWORD)
        whole = sum(
            cell.get("touchpoints", 0)
            for (segment, ms, _), cell in totals(running).items()
            if (segment, ms) == ((), HOUR_MS)
        )
        assert whole == len(records)
        lines = [json.loads(line) for line in worker.log.read_text().splitlines()]  # nothing else stands there
        assert all({"time", "level", "logger", "message", "worker"} <= line.keys() for line in lines)
        told = [line for line in lines if line["message"] == "brokers.out_of_reach"]
        assert "refuses the user cx or the password" in told[0]["why"]
        assert "aiokafka" in {line["logger"] for line in lines}
        assert "with =signs" not in worker.log.read_text()


@pytest.mark.parametrize(
    ("listener", "changed"),
    [
        ("SASL_SSL", {"sasl_mechanism": "SCRAM-SHA-256"}),
        ("SASL_SSL", {"sasl_mechanism": "PLAIN", "sasl_username": PLAIN_USER, "sasl_password": PLAIN_PASSWORD}),
        ("SASL_PLAINTEXT", {}),
        ("SSL", {}),
        ("ELSEWHERE", {"ssl_check_hostname": "false"}),
    ],
)
def test_both_libraries_get_in_by_each_way_there_is(
    secured: SecureKafka, listener: str, changed: dict[str, str]
) -> None:
    settings = load(environment=secured.environment(listener, **changed))
    with topics.admin(settings.cluster) as client:  # kafka-python
        assert client.list_topics() is not None
    assert asyncio.run(trouble(settings.cluster)) is None  # aiokafka


def refused(secured: SecureKafka) -> Iterator[tuple[str, dict[str, str], str]]:
    """How not to come in, and what is said of it."""
    without_certificate = secured.environment("SSL")
    for name in ("CERTIFICATE", "KEY"):
        del without_certificate[f"CXSTREAM_SSL_{name}_FILE"]
    yield "password", secured.environment(sasl_password="guessed"), "refuses the user cx or the password"
    yield "user", secured.environment(sasl_username="nobody"), "refuses the user nobody or the password"
    yield "authority", secured.environment(ssl_ca_file=str(secured.folder / "other-ca.pem")), "look at ssl_ca_file"
    yield "name", secured.environment("ELSEWHERE"), "certificate is not valid for '127.0.0.1'"
    yield "no TLS", {"CXSTREAM_BOOTSTRAP": secured.at("SASL_SSL")}, "does it speak PLAINTEXT?"
    yield "no user", {"CXSTREAM_BOOTSTRAP": secured.at("SASL_PLAINTEXT")}, "does it speak PLAINTEXT?"
    yield "TLS", secured.environment(bootstrap=secured.bootstrap), "does it speak SASL_SSL"
    yield "no certificate", without_certificate, "does it ask for a certificate?"


def test_who_is_not_let_in_is_told_why_in_one_line(secured: SecureKafka) -> None:
    ways = list(refused(secured))
    for name, environment, words in ways:
        found = asyncio.run(trouble(load(environment=environment).cluster))
        assert found is not None, name
        assert words in found.why, name
    tried = [(name, begun("worker", CXSTREAM_PORT="0", **environment), words) for name, environment, words in ways[:5]]
    for name, process, words in tried:
        out, err = process.communicate(timeout=120)
        assert (process.returncode, out, err.count("\n")) == (1, "", 1), (name, err)
        assert err.startswith("cxstream: Kafka at 127.0.0.1:"), (name, err)
        assert words in err, (name, err)


def test_each_command_says_why_it_is_not_let_in(secured: SecureKafka, tmp_path: Path) -> None:
    (tmp_path / "sold.csv").write_text(PURCHASES)
    environment = secured.environment(sasl_password="guessed-by-nobody")
    replay = ("replay", str(tmp_path / "sold.csv"), "--mapping", "cd-purchases")
    commands = [("desk", "--port", "0"), ("simulate", "--minutes", "1"), replay, ("metrics",), ("status",), ("topics",)]
    tried = [(command, begun(*command, **environment)) for command in commands]
    for command, process in tried:
        out, err = process.communicate(timeout=120)
        assert (process.returncode, out, err.count("\n")) == (1, "", 1), (command, err)
        assert "refuses the user cx or the password, by SCRAM-SHA-512" in err, (command, err)
        assert "guessed-by-nobody" not in err
