"""The AsyncAPI document is that of the types, its references lead somewhere, and it names the topics there are.

It was valid against the official JSON Schema of AsyncAPI 3.0.0 when it was last changed by hand.
"""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from agents.settings import Settings
from agents.topics import topics
from schemas.asyncapi import CHANNELS, asyncapi
from schemas.document import ASYNCAPI

DOCUMENT = orjson.loads(ASYNCAPI.read_bytes())


def test_the_checked_in_document_equals_the_generated_one() -> None:
    assert ASYNCAPI.read_bytes() == asyncapi(), "run: make docs"


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            assert set(node) == {"$ref"}, "what is beside a reference counts for nothing"
            yield node["$ref"]
        for child in node.values():
            yield from references(child)
    elif isinstance(node, list):
        for child in node:
            yield from references(child)


@pytest.mark.parametrize("reference", sorted(set(references(DOCUMENT))))
def test_every_reference_leads_somewhere(reference: str) -> None:
    node = DOCUMENT
    assert reference.startswith("#/")
    for part in reference.removeprefix("#/").split("/"):
        node = node[part.replace("~1", "/").replace("~0", "~")]
    assert isinstance(node, dict)


def test_the_channels_are_the_topics_that_a_deployment_has_but_changelogs() -> None:
    there = {topic.name: topic for topic in topics(Settings()) if not topic.name.endswith("-changelog")}
    assert {channel["address"] for channel in DOCUMENT["channels"].values()} == set(there)
    for name, topic in there.items():
        kept = topic.config.get("cleanup.policy", "delete").split(",")
        configured = DOCUMENT["channels"][name]["bindings"]["kafka"]["topicConfiguration"]["cleanup.policy"]
        assert configured == kept, name


def test_every_operation_is_about_a_channel_and_only_touchpoints_are_received() -> None:
    actions = {name: operation["action"] for name, operation in DOCUMENT["operations"].items()}
    assert set(actions) == set(CHANNELS)
    assert [name for name, action in actions.items() if action == "receive"] == ["touchpoints"]
