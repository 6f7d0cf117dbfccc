"""A Kafka cluster: where it is and how it is spoken to, as each of the client libraries wants to be told."""

import re
from dataclasses import dataclass, field
from typing import Any

from aiokafka.conn import collect_hosts
from faust.auth import Credentials, SASLCredentials, SSLCredentials

from agents.security import Security

_ADDRESS = re.compile(r"(\[[0-9a-fA-F:]+\]|[^\s:,/\[\]]+):[0-9]{1,5}")


def addresses(given: str) -> str:
    """``host:port``, several joined by commas, however they are written; ``kafka://``, as Faust has it, is left out.

    Raises:
        ValueError: one is no address.

    >>> addresses("kafka://a:9092; b:9093")
    'a:9092,b:9093'
    """
    found = [address.strip().removeprefix("kafka://") for address in re.split("[,;]", given)]
    for address in found:
        host, _, port = address.rpartition(":")
        if not _ADDRESS.fullmatch(address) or int(port) > 65_535 or not _is_name(host):
            raise ValueError(f"`{address}` is not an address: write host:port, several with commas")
    return ",".join(found)


def _is_name(host: str) -> bool:
    """Whether each part between dots is one: a part that is empty or too long cannot even be asked for."""
    try:
        return bool(host.encode("idna"))
    except UnicodeError:
        return False


@dataclass(frozen=True, slots=True)
class Cluster:
    """``bootstrap`` is ``host:port``, several joined by commas. All clients of this project are made from this."""

    bootstrap: str
    security: Security = field(default_factory=Security)

    def servers(self) -> list[tuple[str, int]]:
        """Host and port of each broker that is named.

        >>> Cluster("a:1, [::1]:2").servers()
        [('a', 1), ('::1', 2)]
        """
        return [(host, port) for host, port, _ in collect_hosts(self.bootstrap, randomize=False)]

    def for_aiokafka(self) -> dict[str, Any]:
        """Arguments of aiokafka's clients.

        Raises:
            SecurityError: a certificate or a key cannot be used.
        """
        return {"bootstrap_servers": self.bootstrap, **self._secured()}

    def for_kafka_python(self) -> dict[str, Any]:
        """Arguments of kafka-python's clients. Raises as ``for_aiokafka``."""
        return {"bootstrap_servers": self.bootstrap.split(","), **self._secured()}

    def for_faust(self) -> Credentials | None:
        """What Faust calls credentials; None where none are needed. Raises as ``for_aiokafka``."""
        security, context = self.security, self.security.context()
        if security.has_user:
            return SASLCredentials(
                username=security.username,
                password=security.password,
                mechanism=security.mechanism,
                ssl_context=context,
            )
        return None if context is None else SSLCredentials(context)

    def _secured(self) -> dict[str, Any]:
        security = self.security
        found: dict[str, Any] = {"security_protocol": security.protocol}
        if security.is_encrypted:
            found["ssl_context"] = security.context()
        if security.has_user:
            found |= {
                "sasl_mechanism": security.mechanism,
                "sasl_plain_username": security.username,
                "sasl_plain_password": security.password,
            }
        return found
