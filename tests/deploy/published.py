"""Published schemas that what is deployed must obey: see schemas/README.md."""

import gzip
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from jsonschema_rs import validator_for

SCHEMAS = Path(__file__).parent / "schemas"


def errors(name: str, document: Any) -> list[str]:
    """What is wrong with it by that schema, and where; empty where all is right."""
    return [
        f"{'/'.join(map(str, error.instance_path))}: {error.message}"
        for error in _validator(name).iter_errors(document)
    ]


@cache
def _validator(name: str) -> Any:
    schema = orjson.loads(gzip.decompress((SCHEMAS / f"{name}.json.gz").read_bytes()))
    return validator_for(schema if "$schema" in schema else _strict(schema))


def _strict(schema: Any) -> Any:
    """Of a custom resource. A cluster drops what its schema does not know, and says nothing: here it is an error."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    is_closed = isinstance(schema.get("properties"), dict) and schema.get("type") == "object"
    closed = (
        {"additionalProperties": False} if is_closed and "x-kubernetes-preserve-unknown-fields" not in schema else {}
    )
    return closed | {key: _strict(each) for key, each in schema.items()}
