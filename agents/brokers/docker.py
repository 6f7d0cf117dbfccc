"""Apache Kafka in a container, by way of testcontainers."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from agents.brokers.broker import Broker, BrokerError
from agents.brokers.ports import LOOPBACK, free_port
from agents.brokers.probe import wait_until_ready
from agents.brokers.settings import CLUSTER_ID, VERSION, one_node

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

IMAGE = f"apache/kafka:{VERSION}"
PORT = 9092
READY_WITHIN_S = 90.0
ENGINE_TIMEOUT_S = 5


class DockerBroker(Broker):
    """The official image on the local Docker engine.

    testcontainers is a development dependency, and its start costs an import of the Docker client, so both are
    imported only when this provider is asked for. Its own KafkaContainer runs Confluent's image only, whose scripts
    this one doesn't have; a plain container with the same settings is all it takes. testcontainers' reaper removes the
    container should this process be killed.
    """

    name: ClassVar[str] = "docker"

    def __init__(self) -> None:
        self._port = free_port()
        self.bootstrap = f"{LOOPBACK}:{self._port}"
        self._container: DockerContainer | None = None

    @classmethod
    def available(cls) -> str | None:
        try:
            import docker
            import testcontainers.core.container  # noqa: F401 - is it there?
        except ImportError as error:
            return f"{error.name or 'testcontainers'} is not installed: it comes with the development dependencies"
        try:
            client = docker.from_env(timeout=ENGINE_TIMEOUT_S)
            client.ping()
            client.close()
        except Exception as error:  # the client lets through whatever its transports raise
            return f"no Docker engine answers: {_first_line(error)}"
        return None

    def start(self) -> None:
        if self._container is not None:
            return
        reason = self.available()
        if reason is not None:
            raise BrokerError(f"the docker broker can't run here: {reason}")
        try:
            self._launch()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        if self._container is not None:
            self._container.stop()
            self._container = None

    def _launch(self) -> None:
        try:
            container = self._container = _container(self._port, self.bootstrap)
            container.start()
        except Exception as error:  # likewise; most often the image can't be pulled
            raise BrokerError(
                f"Docker couldn't run {IMAGE}: {_first_line(error)}. Try `docker pull {IMAGE}`."
            ) from error
        trouble = wait_until_ready(self.bootstrap, READY_WITHIN_S)
        if trouble is not None:
            out, err = container.get_logs()
            log = (out + err).decode(errors="replace")[-2000:]
            raise BrokerError(f"{IMAGE} at {self.bootstrap} didn't get ready: {trouble}. Its log ends with:\n{log}")


def environment(advertise: str) -> dict[str, str]:
    """The variables that the image makes its server.properties from: `a.b` is `KAFKA_A_B` there."""
    settings = one_node(f"0.0.0.0:{PORT}", advertise, f"localhost:{PORT + 1}")
    return {"CLUSTER_ID": CLUSTER_ID} | {f"KAFKA_{key.replace('.', '_').upper()}": settings[key] for key in settings}


def _container(port: int, advertise: str) -> DockerContainer:
    from testcontainers.core.container import DockerContainer

    return DockerContainer(IMAGE, env=environment(advertise)).with_bind_ports(PORT, port)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
