"""Commands that cannot do what they are asked: one clear message, a non-zero exit, no stack trace. And the demo."""

import json
import os
import secrets
import socket
import subprocess
import sys
from pathlib import Path

from kafka.admin import ConfigResource, ConfigResourceType

from agents import topics
from agents.brokers import Broker
from agents.cluster import Cluster
from tests.e2e.workers import Deployment, free_port


def cxstream(*arguments: str, seconds: float = 60, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CXSTREAM_")}
    command = [sys.executable, "-m", "agents.cli", *arguments]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=seconds, env=clean | environment
    )


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode != 0
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    for word in words:
        assert word in done.stderr, done.stderr


def test_an_unreachable_broker_is_named() -> None:
    address = f"127.0.0.1:{free_port()}"
    assert_refused(cxstream("worker", "--bootstrap", address, "--port", "0"), address, "cxstream broker")


def test_a_port_that_is_taken_is_named(kafka: Broker, tmp_path: Path) -> None:
    deployed = Deployment(kafka.bootstrap, tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert_refused(cxstream("worker", "--settings", str(deployed.file), "--port", port), port, "--port")


def test_topics_with_the_wrong_number_of_partitions_are_named(kafka: Broker, tmp_path: Path) -> None:
    deployed = Deployment(kafka.bootstrap, tmp_path, partitions=3)
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(deployed.file.read_text().replace("partitions: 3", "partitions: 5"))
    topic = deployed.settings.topic("touchpoints")
    assert_refused(cxstream("worker", "--settings", str(wrong), "--port", "0"), topic, "3 partitions", "5 are needed")


def test_every_mistake_in_the_settings_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "cxstream.yaml"
    file.write_text("partitions: none\nstroe: memory\ntime_zone: Mars/Olympus\nwindows: [2x]\n")
    done = cxstream("worker", "--settings", str(file))
    assert_refused(done, f"{file}:2", "stroe", "store")
    file.write_text("partitions: none\nstore: disk\ntime_zone: Mars/Olympus\nwindows: [2x]\n")
    done = cxstream("worker", "--settings", str(file))
    assert_refused(done, f"{file}:1", f"{file}:2", f"{file}:3", f"{file}:4", "Mars/Olympus")


def test_every_mistake_in_the_rules_is_named_with_its_line(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules:\n  - alert: A\n    metric: csat\n    window: 1h\n    above: much\n  - alert: B\n")
    done = cxstream("worker", CXSTREAM_RULES=str(rules))
    assert_refused(done, f"{rules}:3", f"{rules}:5", f"{rules}:6", "much")


def test_a_missing_settings_file_is_named() -> None:
    assert_refused(cxstream("worker", "--settings", "/nowhere/cxstream.yaml"), "/nowhere/cxstream.yaml")


def test_the_demo_fires_and_resolves_its_alert_and_leaves_nothing() -> None:
    done = cxstream("demo", "--json", "--customers", "1000", seconds=115)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["alert"]["name"] == "DissatisfiedWebCustomers"
    assert summary["incident"]["start"] < summary["alert"]["fired"] < summary["alert"]["resolved"]
    assert summary["metrics"]["nps_score[1h]"]["samples"] > 0
    left = subprocess.run(["ps", "-eo", "args"], check=True, capture_output=True, text=True).stdout
    assert "cxstream-demo-" not in left
    assert f"--listener-url=tcp://{summary['bootstrap']}" not in left


def test_topics_are_set_as_they_would_be_made_when_asked_to(kafka: Broker) -> None:
    name = f"topics-{secrets.token_hex(3)}"

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        return cxstream(
            "topics",
            *options,
            CXSTREAM_BOOTSTRAP=kafka.bootstrap,
            CXSTREAM_ID=name,
            CXSTREAM_PREFIX=f"{name}.",
            COLUMNS="200",
        )

    assert run().returncode == 0
    assert run("--check").returncode == 0
    changed = ConfigResource(
        ConfigResourceType.TOPIC, f"{name}.touchpoints", configs={"retention.ms": "1000", "segment.ms": "60000"}
    )
    with topics.admin(Cluster(kafka.bootstrap)) as client:
        client.alter_configs([changed])
    looked = run("--check")
    assert looked.returncode == 1
    assert "retention.ms=-1 (was 1000)" in looked.stdout
    assert run("--configure").returncode == 0
    assert run("--check").returncode == 0
    with topics.admin(Cluster(kafka.bootstrap)) as client:
        kept = client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, f"{name}.touchpoints")])
    assert kept["topic"][f"{name}.touchpoints"]["segment.ms"]["value"] == "60000"
    assert_refused(run("--check", "--configure"), "--configure")
