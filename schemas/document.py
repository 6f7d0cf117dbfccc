"""JSON Schema and AsyncAPI of everything on the topics, generated from the types: ``python -m schemas.document``."""

from pathlib import Path
from typing import Any

import orjson
from msgspec import json

from schemas.alert import AnyAlert
from schemas.asyncapi import asyncapi
from schemas.handling import AnyHandling
from schemas.journey import JourneyStep
from schemas.metric import Metric
from schemas.openalert import OpenAlert
from schemas.rejected import Rejected
from schemas.union import AnyTouchpoint

FOLDER = Path(__file__).parent / "json"
ASYNCAPI = Path(__file__).parent / "asyncapi.json"
DOCUMENTS: dict[str, Any] = {
    "touchpoint": AnyTouchpoint,
    "metric": Metric,
    "alert": AnyAlert,
    "handling": AnyHandling,
    "open-alert": OpenAlert,
    "journey-step": JourneyStep,
    "rejected": Rejected,
}


def document(name: str) -> bytes:
    """The JSON Schema (2020-12) of one of ``DOCUMENTS``, as indented JSON."""
    body = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": name, **json.schema(DOCUMENTS[name])}
    return orjson.dumps(body, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"


def write(folder: Path = FOLDER) -> None:
    """Write every document into ``folder``."""
    folder.mkdir(exist_ok=True)
    for name in DOCUMENTS:
        (folder / f"{name}.schema.json").write_bytes(document(name))


if __name__ == "__main__":
    write()
    ASYNCAPI.write_bytes(asyncapi())
