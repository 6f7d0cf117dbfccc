"""Where the Kafka broker comes from: given, from Docker, from Maven Central, or embedded."""

from __future__ import annotations

import structlog

from agents.brokers.broker import Broker, BrokerError
from agents.brokers.configured import ConfiguredBroker
from agents.brokers.docker import DockerBroker
from agents.brokers.embedded import EmbeddedBroker
from agents.brokers.kafka import KafkaBroker
from agents.brokers.local import LocalBroker

__all__ = [
    "Broker",
    "BrokerError",
    "ConfiguredBroker",
    "DockerBroker",
    "EmbeddedBroker",
    "KafkaBroker",
    "LocalBroker",
    "kinds_available",
    "open_broker",
]

AUTO = "auto"
PROVIDERS: dict[str, type[Broker]] = {
    provider.name: provider for provider in (ConfiguredBroker, DockerBroker, KafkaBroker, EmbeddedBroker)
}
"""In the order in which `auto` tries them."""

log = structlog.get_logger(__name__)


def kinds_available() -> dict[str, str | None]:
    """Each kind of broker with None where it can be used here, else with the reason why not."""
    return {name: provider.available() for name, provider in PROVIDERS.items()}


def open_broker(kind: str = AUTO, bootstrap: str | None = None) -> Broker:
    """A broker that answers; the caller stops it, best by `with open_broker() as broker`.

    `kind` is one of PROVIDERS, or `auto`: the first of them that starts. A cluster whose address is given, here or in
    CXSTREAM_BOOTSTRAP, is the one that is meant: when it doesn't answer, no other takes its place. Raises BrokerError.
    """
    if kind not in (AUTO, *PROVIDERS):
        raise BrokerError(f"there is no broker of kind {kind!r}: choose one of {', '.join((AUTO, *PROVIDERS))}.")
    if bootstrap is not None and kind not in (AUTO, ConfiguredBroker.name):
        raise BrokerError(f"a {kind} broker chooses its own address: leave out {bootstrap!r} or the kind.")
    if bootstrap is not None or kind == ConfiguredBroker.name or (kind == AUTO and not ConfiguredBroker.available()):
        return _started(ConfiguredBroker(bootstrap))
    return _first_that_starts() if kind == AUTO else _started(PROVIDERS[kind]())


def _first_that_starts() -> Broker:
    reasons: list[str] = []
    for name, provider in PROVIDERS.items():
        reason = provider.available()
        if reason is None:
            try:
                return _started(provider())
            except BrokerError as error:
                reason = str(error)
                log.warning("broker.failed", kind=name, reason=reason)
        reasons.append(f"{name}: {reason}")
    raise BrokerError("no broker can be had here. " + "; ".join(reasons))


def _started(broker: Broker) -> Broker:
    broker.start()
    log.info("broker.ready", kind=broker.name, bootstrap=broker.bootstrap)
    return broker
