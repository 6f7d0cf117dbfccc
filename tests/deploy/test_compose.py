"""docker-compose.yml, as far as it can be looked at where no Docker engine runs."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents.brokers.jars import jars
from agents.brokers.java import java
from agents.brokers.kafka import HEAP
from agents.brokers.settings import CLUSTER_ID, VERSION, one_node
from agents.settings import Settings, load
from agents.sizing import Load, size
from deploy.stack.composed import filled
from tests.deploy.known import parse, unknown
from tests.deploy.prometheus import program, promtool
from tests.deploy.published import errors

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load(filled((ROOT / "docker-compose.yml").read_text(), {}))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service["image"].startswith("cxstream")]
MEMORY = {"m": 1024**2, "g": 1024**3}
EACH = pytest.mark.parametrize("name", SERVICES)
EACH_OF_OURS = pytest.mark.parametrize("name", OURS)


def mounts(name: str) -> Iterator[tuple[str, str]]:
    """What of this machine, or which volume, is where in the container; a volume without a name is empty."""
    for volume in SERVICES[name].get("volumes", ()):
        source, _, target = (
            volume.rpartition(":") if volume.count(":") == 1 else volume.removesuffix(":ro").rpartition(":")
        )
        yield source, target


def here(name: str, path: str) -> Path:
    """The file of this repository that a container finds at a path."""
    for source, target in mounts(name):
        if source.startswith(".") and Path(path).is_relative_to(target):
            return ROOT / source / Path(path).relative_to(target)
    raise AssertionError(f"{name} finds nothing of ours at {path}")


def settings(name: str) -> Settings:
    """Those that a service of ours has, as it would read them."""
    environment = {key: str(value) for key, value in SERVICES[name]["environment"].items()}
    return load(here(name, environment.pop("CXSTREAM_SETTINGS")), environment)


def test_it_is_valid_by_the_published_schema() -> None:
    assert errors("compose-spec", COMPOSE) == []


@pytest.mark.parametrize("spoil", [{"imag": "x"}, {"cap_drop": "ALL"}, {"depends_on": {"kafka": {"condition": "up"}}}])
def test_what_is_spoilt_is_not(spoil: dict[str, Any]) -> None:
    worker = SERVICES["worker"] | spoil
    assert errors("compose-spec", COMPOSE | {"services": SERVICES | {"worker": worker}})


@EACH
def test_nothing_runs_as_root_or_may_become_it_or_writes_where_it_need_not(name: str) -> None:
    service = SERVICES[name]
    user, _, _ = service["user"].partition(":")
    assert int(user) > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.keys() & {"privileged", "cap_add", "network_mode", "pid", "ipc"}
    assert all(":" not in volume or volume.endswith(":ro") for volume in service["volumes"] if volume.startswith("."))


@EACH
def test_each_has_bounds_an_exact_version_and_a_check_of_its_health(name: str) -> None:
    service = SERVICES[name]
    limits = service["deploy"]["resources"]["limits"]
    assert limits.keys() == {"cpus", "memory", "pids"}
    assert float(limits["cpus"]) <= 1, "an engine refuses more CPUs than the machine has"
    assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+", service["image"])
    check = service["healthcheck"]
    assert ("test" in check) or (name == "simulate" and check == {"disable": True})


@EACH
def test_ports_are_on_loopback_only(name: str) -> None:
    for port in SERVICES[name].get("ports", ()):
        assert re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port)


@EACH
def test_who_is_waited_for_says_when_it_is_healthy(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        assert how == {"condition": "service_healthy"}
        assert "test" in SERVICES[other]["healthcheck"]
        assert not SERVICES[other].get("profiles")


@EACH
def test_what_is_mounted_is_there(name: str) -> None:
    for source, target in mounts(name):
        assert Path(target).is_absolute()
        if source.startswith("."):
            assert (ROOT / source).is_dir()
        elif source:
            assert source in COMPOSE["volumes"]


def test_every_volume_is_used() -> None:
    assert {source for name in SERVICES for source, _ in mounts(name) if source[:1].isalpha()} == set(
        COMPOSE["volumes"]
    )


@EACH_OF_OURS
def test_ours_run_commands_and_read_variables_that_there_are(name: str) -> None:
    parse(SERVICES[name]["command"])
    assert unknown(SERVICES[name]["environment"]) == set()
    assert settings(name).bootstrap == "kafka:9092"


def test_a_command_or_variable_that_there_is_not_would_be_found() -> None:
    with pytest.raises(Exception, match="--prot"):
        parse(["cxstream", "worker", "--prot", "1"])
    with pytest.raises(KeyError, match="work"):
        parse(["cxstream", "work"])
    assert unknown({"CXSTREAM_BOTSTRAP": "x", "PATH": "y"}) == {"CXSTREAM_BOTSTRAP"}


@pytest.mark.parametrize("name", ["worker", "desk"])
def test_health_is_asked_for_where_it_is_answered(name: str) -> None:
    assert f"http://127.0.0.1:{settings(name).port}/readyz" in SERVICES[name]["healthcheck"]["test"][-1]
    assert settings(name).host == "0.0.0.0"


def test_workers_can_be_several_with_a_folder_each() -> None:
    worker = SERVICES["worker"]
    assert not worker.keys() & {"container_name", "hostname", "ports"}
    assert settings("worker").store == "rocksdb"
    assert [source for source, target in mounts("worker") if target == str(settings("worker").data_dir)] == [""]


def test_a_worker_has_the_memory_that_a_thousand_touchpoints_a_second_take() -> None:
    limit = SERVICES["worker"]["deploy"]["resources"]["limits"]["memory"]
    wanted = size(Load(1_000, 100_000, replication=1, standbys=0)).memory_bytes
    assert wanted <= int(limit[:-1]) * MEMORY[limit[-1]]


def test_the_desk_tells_the_alertmanager_that_there_is() -> None:
    (outlet,) = settings("desk").outlets
    assert (outlet.kind, outlet.url) == ("alertmanager", "http://alertmanager:9093")
    assert "localhost:9093" in SERVICES["alertmanager"]["healthcheck"]["test"][-1]


def test_prometheus_scrapes_and_tells_who_is_there() -> None:
    told = yaml.safe_load(here("prometheus", "/etc/prometheus/prometheus.yml").read_text())
    names = {}
    for job in told["scrape_configs"]:
        (found,) = job["dns_sd_configs"]
        names[job["job_name"]] = found["names"]
        assert {settings(name).port for name in found["names"]} == {found["port"]}
    assert names == {"cxstream": ["worker"], "cxstream-desk": ["desk"]}
    assert told["alerting"]["alertmanagers"] == [{"static_configs": [{"targets": ["alertmanager:9093"]}]}]
    assert "--config.file=/etc/prometheus/prometheus.yml" in SERVICES["prometheus"]["command"]


def test_the_tools_of_prometheus_and_alertmanager_accept_their_files() -> None:
    assert "--config.file=/etc/alertmanager/alertmanager.yml" in SERVICES["alertmanager"]["command"]
    config = here("alertmanager", "/etc/alertmanager/alertmanager.yml")
    done = subprocess.run([program("amtool"), "check-config", str(config)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert promtool("check", "config", here("prometheus", "/etc/prometheus/prometheus.yml"))[0] == 0


ADDRESSES = {"controller.quorum.voters", "listeners", "advertised.listeners", "listener.security.protocol.map"}
FOR_KILLED_BROKERS = {"broker.session.timeout.ms", "broker.heartbeat.interval.ms"}


def test_kafka_is_set_as_where_it_is_tested() -> None:
    kafka = SERVICES["kafka"]
    assert kafka["image"] == f"apache/kafka:{VERSION}"
    assert kafka["environment"]["KAFKA_HEAP_OPTS"] == " ".join(each for each in HEAP if each.startswith("-Xm"))
    said = {key.removeprefix("KAFKA_").replace("_", ".").lower(): value for key, value in kafka["environment"].items()}
    wanted = one_node("", "", "")
    assert {key: said.get(key) for key in wanted.keys() - ADDRESSES - FOR_KILLED_BROKERS} == {
        key: value for key, value in wanted.items() if key not in ADDRESSES | FOR_KILLED_BROKERS
    }


def test_kafka_takes_its_settings_by_way_of_what_its_image_runs(kafka: object, tmp_path: Path) -> None:
    """The image's own program makes server.properties of the environment, in an empty folder, and formats storage."""
    for name in ("default", "mounted", "final"):
        (tmp_path / name).mkdir()
    folders = [
        part for name in ("default", "mounted", "final") for part in (f"--{name}-configs-dir", str(tmp_path / name))
    ]
    given = SERVICES["kafka"]["environment"] | {"KAFKA_LOG_DIRS": str(tmp_path / "data"), "CLUSTER_ID": CLUSTER_ID}
    command = [java() or "java", "-cp", f"{jars()}/*", "kafka.docker.KafkaDockerWrapper", "setup", *folders]
    done = subprocess.run(command, env=given, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    made = dict(line.split("=", 1) for line in (tmp_path / "final" / "server.properties").read_text().split())
    assert made["advertised.listeners"] == "PLAINTEXT://kafka:9092,HOST://localhost:19092"
    assert (tmp_path / "data" / "meta.properties").exists()
