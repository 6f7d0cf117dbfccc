"""How topics that are there are set on the cluster, where that is not as they are made here."""

from collections.abc import Sequence

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError

from agents.topics import Topic, TopicError

Differing = dict[str, dict[str, str]]
"""By topic, what its settings are, of those that should be otherwise."""


def differing(client: KafkaAdminClient, topics: Sequence[Topic]) -> Differing:
    """What is set otherwise than it would be made, of topics that are there.

    Raises:
        TopicError: the cluster does not tell.
    """
    asked = [ConfigResource(ConfigResourceType.TOPIC, each.name) for each in topics if each.config]
    try:
        found = client.describe_configs(asked, config_filter="all").get("topic", {}) if asked else {}
    except KafkaError as error:
        raise TopicError(f"the settings of topics cannot be read: {error}") from None
    different = {
        topic.name: {name: _value(found, topic, name) for name in topic.config if not _is_set(found, topic, name)}
        for topic in topics
    }
    return {name: values for name, values in different.items() if values}


def configure(client: KafkaAdminClient, topics: Sequence[Topic], wrong: Differing) -> None:
    """Set what is ``wrong`` as it would be made; all else that is set stays.

    Raises:
        TopicError: the cluster refuses.
    """
    new = [
        ConfigResource(
            ConfigResourceType.TOPIC, each.name, configs={name: each.config[name] for name in wrong[each.name]}
        )
        for each in topics
        if each.name in wrong
    ]
    try:
        client.alter_configs(new)
    except KafkaError as error:
        raise TopicError(f"the settings of topics cannot be changed: {error}") from None


def _is_set(found: dict[str, dict[str, dict[str, str]]], topic: Topic, name: str) -> bool:
    """Of lists the order does not matter."""
    return set(_value(found, topic, name).split(",")) == set(topic.config[name].split(","))


def _value(found: dict[str, dict[str, dict[str, str]]], topic: Topic, name: str) -> str:
    return found.get(topic.name, {}).get(name, {}).get("value", "")
