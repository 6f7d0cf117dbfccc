"""How what is in an image runs here."""

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from agents.brokers.jars import jars, jars_missing
from agents.brokers.java import java, java_missing
from agents.brokers.kafka import HEAP, QUIET
from agents.brokers.ports import LOOPBACK
from agents.brokers.process import ServerProcess
from agents.brokers.settings import CLUSTER_ID
from deploy.stack.composed import Service
from deploy.stack.place import Place

_PASSED_ON = ("PATH", "LANG", "JAVA_HOME", "VIRTUAL_ENV")
PROGRAMS = {
    "prom/prometheus": ("prometheus", "prometheus"),
    "prom/alertmanager": ("prometheus-alertmanager", "alertmanager"),
}
"""By image, what the program may be called: Debian's name for it, and its own."""
PACKAGES = {"prom/prometheus": "prometheus", "prom/alertmanager": "prometheus-alertmanager"}
WEB_PORTS = {"prom/prometheus": 9090, "prom/alertmanager": 9093}


def missing() -> list[str]:
    """What this machine lacks, in words."""
    lacking = [each for each in (java_missing(), jars_missing()) if each is not None]
    lacking += [
        f"no {names[0]}: apt-get install {PACKAGES[image]}"
        for image, names in PROGRAMS.items()
        if _program(image) is None
    ]
    return lacking


def run(service: Service, place: Place, environment: Mapping[str, str], replica: int = 0) -> ServerProcess:
    """Start a replica of a service, its output in ``log``."""
    home = place.home(service, replica)
    place.mount(service, replica)
    given = {name: place.text(value, service, replica) for name, value in service.environment.items()}
    own = {name: environment[name] for name in _PASSED_ON if name in environment}
    command = [place.text(part, service, replica) for part in service.command]
    if service.image == "cxstream":
        whole, given = _cxstream(command), given | _addressed(service, place, replica)
    elif service.image == "apache/kafka":
        whole = _kafka(home, given)
    else:
        whole = _monitoring(service, place, command)
    variables = {**own, "HOME": str(home), **given}
    return ServerProcess([_ENV, "-i", *(f"{k}={v}" for k, v in variables.items()), *whole], home, home / "log")


_ENV = shutil.which("env") or "env"


def _cxstream(command: Sequence[str]) -> list[str]:
    program, *arguments = command
    return [str(Path(sys.executable).with_name(program)), *arguments]


def _addressed(service: Service, place: Place, replica: int) -> dict[str, str]:
    """Where it listens, which in a container is a matter of settings as they are."""
    if "CXSTREAM_HOST" not in service.environment:
        return {}
    return {"CXSTREAM_HOST": LOOPBACK, "CXSTREAM_PORT": str(place.port(service.name, 6066, replica))}


def _kafka(home: Path, given: Mapping[str, str]) -> list[str]:
    """As the image does: `KAFKA_LOG_DIRS` is the property `log.dirs`."""
    base = [java() or "java", *HEAP, *QUIET, "-cp", f"{jars()}/*"]
    properties = {_property(name): value for name, value in given.items() if name.startswith("KAFKA_")}
    file = home / "server.properties"
    file.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
    formatting = [
        *base,
        "kafka.tools.StorageTool",
        "format",
        "-t",
        given.get("CLUSTER_ID", CLUSTER_ID),
        "-c",
        str(file),
    ]
    subprocess.run(formatting, check=True, stdout=subprocess.DEVNULL, timeout=60)
    return [*base, "kafka.Kafka", str(file)]


def _property(name: str) -> str:
    dashed = name.removeprefix("KAFKA_").replace("___", "-").replace("__", "\0")
    return dashed.replace("_", ".").replace("\0", "_").lower()


def _monitoring(service: Service, place: Place, command: Sequence[str]) -> list[str]:
    port = place.port(service.name, WEB_PORTS[service.image])
    own = {"--web.listen-address": f"{LOOPBACK}:{port}"}
    if service.image == "prom/alertmanager":
        own["--cluster.listen-address"] = ""
    given = (part for part in command if part.partition("=")[0] not in own)
    return [_program(service.image) or "", *given, *(f"{option}={value}" for option, value in own.items())]


def _program(image: str) -> str | None:
    return next((path for name in PROGRAMS[image] if (path := shutil.which(name))), None)
