"""The stack of docker-compose.yml without containers: what is read of it, what stands for what, and that it works."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from agents.brokers.ports import LOOPBACK
from deploy.stack import programs
from deploy.stack.composed import Service, services
from deploy.stack.place import Place
from deploy.stack.stack import COMPOSE, VARIABLES

ROOT = Path(__file__).parents[2]
CHECKED = 14
"""Lines of the list that begin with a tick."""


def test_compose_is_read_as_compose_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "compose.yml"
    file.write_text(
        """
x-usual: &usual {A: 1}
services:
  one:
    image: registry:5000/one:v1.2
    command: [run, "--at=${WHEN:-noon}", "${NEVER}", "$$HOME"]
    environment: {<<: *usual, B: "${WHEN:-noon}"}
    volumes: ["./here:/etc/one:ro", "named:/data", "/own"]
    stop_grace_period: 1m30s
"""
    )
    assert services(file, {"WHEN": "night"})["one"] == Service(
        "one",
        "registry:5000/one",
        ("run", "--at=night", "", "$HOME"),
        {"A": "1", "B": "night"},
        {"/etc/one": tmp_path / "here", "/data": None, "/own": None},
        90.0,
    )


def test_addresses_and_paths_are_those_of_here(tmp_path: Path) -> None:
    one = Service("one", "one", (), {}, {"/etc/one": tmp_path / "given", "/data": None}, 10)
    two = Service("two", "two", (), {}, {}, 10)
    place = Place(tmp_path / "place", {"one": one, "two": two}, {"two": 2})
    text = "A://:19092,B://localhost:9093 http://two:80/x /data/a,/etc/one; someone:80 12:30 /database"
    assert place.text(text, one) == (
        f"A://{LOOPBACK}:{place.port('one', 19092)},B://{LOOPBACK}:{place.port('one', 9093)}"
        f" http://{LOOPBACK}:{place.port('two', 80)}/x"
        f" {tmp_path}/place/one-1/mounts/data/a,{tmp_path}/place/one-1/mounts/etc/one; someone:80 12:30 /database"
    )
    (tmp_path / "given" / "rules").mkdir(parents=True)
    (tmp_path / "given" / "one.yml").write_text("jobs: [{dns_sd_configs: [{names: [two], type: A, port: 80}]}]")
    (tmp_path / "given" / "rules" / "a.yml").write_text("at: two:80 # as it is\n")
    place.mount(one)
    mounted = tmp_path / "place" / "one-1" / "mounts"
    targets = [f"{LOOPBACK}:{place.port('two', 80, replica)}" for replica in range(2)]
    assert yaml.safe_load((mounted / "etc" / "one" / "one.yml").read_text()) == {
        "jobs": [{"static_configs": [{"targets": targets}]}]
    }
    assert (mounted / "etc" / "one" / "rules" / "a.yml").read_text() == f"at: {targets[0]} # as it is\n"
    assert (mounted / "data").is_dir()


def test_every_service_is_run_or_said_to_be_left_out() -> None:
    from deploy.stack.__main__ import LEFT_OUT, STARTED

    assert set(services(COMPOSE, VARIABLES)) == {*STARTED, *LEFT_OUT, "simulate"}


def test_the_stack_works_as_composed(tmp_path: Path) -> None:
    if lacking := programs.missing():
        pytest.skip(lacking[0])
    command = [sys.executable, "-m", "deploy.stack", "--folder", str(tmp_path / "stack")]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=420,
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line[0] for line in lines].count("✓") == CHECKED, done.stdout
    assert not [line for line in lines if line.startswith("✗")], done.stdout
