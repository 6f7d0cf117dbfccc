"""AsyncAPI 3.0 of every topic, generated from the types."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from msgspec import json

from schemas.alert import AnyAlert
from schemas.cloudevent import CONTENT_TYPE, TYPES
from schemas.handling import AnyHandling
from schemas.journey import JourneyStep
from schemas.metric import Metric
from schemas.openalert import OpenAlert
from schemas.rejected import Rejected
from schemas.told import Position, Told
from schemas.union import AnyTouchpoint

_REF = "#/components/schemas/{name}"


@dataclass(frozen=True, slots=True)
class Channel:
    """A topic: what it is for, what its key is, its records' type (None: MessagePack), and who sends them."""

    description: str
    key: str
    type: Any
    cleanup: tuple[str, ...]
    sends: bool = True


CHANNELS: Mapping[str, Channel] = {
    "touchpoints": Channel("Events, in the order of their customer.", "customer", AnyTouchpoint, ("delete",), False),
    "cells": Channel("A partition's current counters.", "segment, slice, partition", None, ("compact", "delete")),
    "metrics": Channel("The value of a metric of a segment.", "segment, metric, window", Metric, ("compact",)),
    "alerts": Channel("Transitions of alerts, as CloudEvents.", "fingerprint", AnyAlert, ("compact", "delete")),
    "handling": Channel("Acknowledgements and silences.", "kind, fingerprint or id", AnyHandling, ("compact",)),
    "alerts-open": Channel("What fires now, with its handling.", "fingerprint", OpenAlert, ("compact",)),
    "alerts-told": Channel("What outlets were told.", "outlet, fingerprint, sequence", Told | Position, ("compact",)),
    "journeys": Channel("Moves between stages and channels.", "customer", JourneyStep, ("delete",)),
    "rejected": Channel("What could not be read, and why.", "origin", Rejected, ("delete",)),
}


def asyncapi() -> bytes:
    """The document, as indented JSON."""
    typed = {name: channel.type for name, channel in CHANNELS.items() if channel.type is not None}
    payloads, components = json.schema_components(list(typed.values()), ref_template=_REF)
    body = {
        "asyncapi": "3.0.0",
        "info": {"title": "cxstream", "version": "1", "description": "Customer experience from event streams."},
        "defaultContentType": CONTENT_TYPE,
        "channels": {name: _channel(name, channel) for name, channel in CHANNELS.items()},
        "operations": {name: _operation(name, channel) for name, channel in CHANNELS.items()},
        "components": {
            "schemas": components,
            "messages": {
                name: _message(name, channel, dict(zip(typed, payloads, strict=True)).get(name))
                for name, channel in CHANNELS.items()
            },
        },
    }
    return orjson.dumps(_plain(body), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"


def _plain(node: Any) -> Any:
    """Without ``discriminator``, which is another thing in AsyncAPI than in OpenAPI: types say their own tag anyway."""
    if isinstance(node, dict):
        return {key: _plain(value) for key, value in node.items() if key != "discriminator"}
    return [_plain(item) for item in node] if isinstance(node, list | tuple) else node


def _channel(name: str, channel: Channel) -> dict[str, Any]:
    return {
        "address": name,
        "description": channel.description,
        "messages": {"record": {"$ref": f"#/components/messages/{name}"}},
        "bindings": {
            "kafka": {
                "topic": name,
                "topicConfiguration": {"cleanup.policy": channel.cleanup},
                "bindingVersion": "0.5.0",
            }
        },
    }


def _operation(name: str, channel: Channel) -> dict[str, Any]:
    action = "send" if channel.sends else "receive"
    return {"action": action, "channel": {"$ref": f"#/channels/{name}"}}


def _message(name: str, channel: Channel, payload: Any) -> dict[str, Any]:
    key = {"type": "string", "description": channel.key}
    message = {"name": name, "bindings": {"kafka": {"key": key, "bindingVersion": "0.5.0"}}}
    if payload is None:
        return message | {"contentType": "application/msgpack", "payload": {}}
    return message | {"payload": payload} | ({"headers": _headers()} if name == "alerts" else {})


def _headers() -> dict[str, Any]:
    """Those of CloudEvents 1.0 in binary content mode."""
    known: dict[str, dict[str, Any]] = {
        "content-type": {"const": CONTENT_TYPE},
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"description": "the transition's id, the same where it is repeated"},
        "ce_source": {"format": "uri-reference"},
        "ce_type": {"enum": list(TYPES)},
        "ce_subject": {"description": "the alert's fingerprint"},
        "ce_time": {"format": "date-time"},
    }
    return {
        "type": "object",
        "required": list(known),
        "properties": {name: {"type": "string", **more} for name, more in known.items()},
    }
