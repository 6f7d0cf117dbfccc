"""How a one-node Apache Kafka of ours is set, in a child process and in a container alike."""

from __future__ import annotations

VERSION = "4.1.0"
CLUSTER_ID = "Y3hzdHJlYW0tbG9jYWwtMQ"
"""Kafka wants the 22 characters of a UUID in base64; this one reads `cxstream-local-1`."""

LARGEST_BATCH_BYTES = 32 * 1024 * 1024
"""A micro-batch of state changes is one record batch, and must fit."""


def one_node(listen: str, advertise: str, controller: str) -> dict[str, str]:
    """Broker and controller in one process: each argument is `host:port`, for binding, for clients, for the quorum."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{controller}",
        "listeners": f"PLAINTEXT://{listen},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{advertise}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        # A misspelt topic is an error at once, not a new topic with one consumer waiting on it.
        "auto.create.topics.enable": "false",
        # Tests and the demo start and kill workers; they shouldn't wait for stragglers or long sessions.
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        # A killed broker may come back only when the controller has missed it for this long; 9 s by default.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "message.max.bytes": str(LARGEST_BATCH_BYTES),
        "replica.fetch.max.bytes": str(LARGEST_BATCH_BYTES),
    }
