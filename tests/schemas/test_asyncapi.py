"""The AsyncAPI document is that of the types, is valid, leads somewhere, and names the topics there are.

`asyncapi-3.0.0.json.gz` is `3.0.0-without-$id.json` of https://github.com/asyncapi/spec-json-schemas 6.11.1, without
white space (Apache License 2.0).
"""

import gzip
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema_rs import Draft7Validator

from agents.settings import Settings
from agents.topics import topics
from schemas.asyncapi import CHANNELS, asyncapi
from schemas.document import ASYNCAPI

OFFICIAL = Draft7Validator(
    orjson.loads(gzip.decompress((Path(__file__).parent / "asyncapi-3.0.0.json.gz").read_bytes()))
)
DOCUMENT = orjson.loads(ASYNCAPI.read_bytes())


def test_the_checked_in_document_equals_the_generated_one() -> None:
    assert ASYNCAPI.read_bytes() == asyncapi(), "run: make docs"


def test_the_document_is_valid_by_the_official_schema() -> None:
    assert [error.message for error in OFFICIAL.iter_errors(DOCUMENT)] == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda document: document.pop("info"),
        lambda document: document.update(asyncapi="2.6.0"),
        lambda document: document.update(topics={}),
        lambda document: document["channels"]["alerts"].update(address=7),
        lambda document: document["operations"]["alerts"].update(action="publish"),
        lambda document: document["operations"]["alerts"].pop("channel"),
        lambda document: document["channels"]["alerts"]["bindings"]["kafka"].update(partitions="many"),
        lambda document: document["components"]["messages"]["alerts"].update(payload=7),
        lambda document: document["components"]["schemas"]["MetricAlert"].update(required="id"),
    ],
)
def test_a_document_that_is_spoilt_is_not(spoil: Callable[[Any], object]) -> None:
    document = deepcopy(DOCUMENT)
    spoil(document)
    assert not OFFICIAL.is_valid(document)


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
