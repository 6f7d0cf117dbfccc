"""Why brokers do not let us in. Clients often tell only that they could not connect; here it is asked step by step."""

import asyncio
import ssl
from dataclasses import dataclass
from socket import gaierror

from aiokafka.conn import create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from agents.cluster import Cluster
from agents.security import SecurityError

_PATIENCE_S = 3.0
_MOST_BROKERS = 5
"""That are tried, of those that a broker names: what keeps us from one will keep us from all."""
Server = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Trouble:
    """``why`` in words; ``is_silent`` where there is nobody to talk to, rather than somebody who refuses to."""

    why: str
    is_silent: bool = False


async def trouble(cluster: Cluster) -> Trouble | None:
    """What keeps us from the brokers that ``cluster`` names, or from those that they name; None where nothing does."""
    found: list[Trouble] = []
    for server in cluster.servers():
        outcome = await _visit(cluster, server)
        if not isinstance(outcome, Trouble):
            return await _among(cluster, outcome)
        found.append(outcome)
    told = next((each for each in found if not each.is_silent), None)
    return told or Trouble("; ".join(each.why for each in found), is_silent=True)


async def _among(cluster: Cluster, servers: list[Server]) -> Trouble | None:
    """One of those that let us in, or what keeps us from them."""
    found = await asyncio.gather(*(_visit(cluster, server) for server in servers[:_MOST_BROKERS]))
    first = next((each for each in found if isinstance(each, Trouble)), None)
    if first is None or not all(isinstance(each, Trouble) for each in found):
        return None
    return Trouble(f"{first.why} (so the brokers call it: advertised.listeners)", first.is_silent)


async def _visit(cluster: Cluster, server: Server) -> Trouble | list[Server]:
    """The brokers that a server names, as one that has let us in."""
    try:
        arguments = cluster.for_aiokafka()
    except SecurityError as error:
        return Trouble(str(error))
    del arguments["bootstrap_servers"]
    try:
        async with asyncio.timeout(_PATIENCE_S):
            connection = await create_conn(*server, request_timeout_ms=int(1_000 * _PATIENCE_S), **arguments)
            try:
                metadata = await connection.send(MetadataRequest([]))
            finally:
                connection.close()
    except (OSError, KafkaError, TimeoutError, UnicodeError) as error:
        return _told(cluster, "{}:{}".format(*server), error)
    return [(host, port) for _, host, port, *_ in metadata.brokers]


def _told(cluster: Cluster, server: str, error: Exception) -> Trouble:
    security = cluster.security
    match error:
        case SaslAuthenticationFailed():
            return Trouble(
                f"{server} refuses the user {security.username} or the password, by {security.mechanism}: "
                "look at sasl_username, sasl_password_file and sasl_mechanism"
            )
        case UnsupportedSaslMechanismError():
            return Trouble(f"{server} does not take {security.mechanism}: look at sasl_mechanism")
        case IllegalSaslStateError():
            return Trouble(f"{server} asks for no user: look at security_protocol, now {security.protocol}")
        case ssl.SSLCertVerificationError():
            setting = "bootstrap" if "mismatch" in error.verify_message else "ssl_ca_file"
            verdict = error.verify_message.rstrip(".")
            return Trouble(f"{server} has a certificate not to be trusted ({verdict}): look at {setting}")
        case ssl.SSLError():
            return Trouble(f"{server} and we do not agree on TLS ({error.reason}): look at security_protocol")
        case gaierror() | UnicodeError():
            return Trouble(f"{server} has a name that nobody knows", is_silent=True)
        case ConnectionRefusedError():
            return Trouble(f"nothing listens at {server}", is_silent=True)
        case TimeoutError():
            return Trouble(f"{server} says nothing", is_silent=True)
        case KafkaError() | ConnectionResetError() | ssl.SSLEOFError():
            own = " with our certificate" if security.certificate_file else ", or does it ask for a certificate"
            own = own if security.is_encrypted else ""
            return Trouble(f"{server} hangs up: does it speak {security.protocol}{own}? Look at security_protocol")
    return Trouble(f"{server}: {error}", is_silent=True)
