"""What the canonical touchpoints hold, read off the schemas: fields by event type, and what kind each is."""

from functools import cache
from typing import Any, Literal, get_args

import msgspec
from msgspec import Struct, inspect

from schemas.touchpoint import Touchpoint
from schemas.union import AnyTouchpoint

Kind = Literal["text", "whole", "truth", "list", "object", "labels"]


class Field(Struct, frozen=True):
    """``name`` as on the wire, ``type`` for msgspec; ``members`` of an object."""

    name: str
    kind: Kind
    required: bool
    type: Any
    members: tuple["Field", ...] = ()


@cache
def schemas() -> dict[str, type[Touchpoint]]:
    """The touchpoint of each type of event (``ticket.opened``)."""
    return {str(cls.__struct_config__.tag): cls for cls in get_args(AnyTouchpoint)}


@cache
def event_types() -> dict[str, dict[str, Field]]:
    """Fields by name for each type of event."""
    return {name: {field.name: field for field in _fields(cls)} for name, cls in schemas().items()}


def _fields(cls: Any) -> tuple[Field, ...]:
    return tuple(_field(info) for info in msgspec.structs.fields(cls))


def _field(info: msgspec.structs.FieldInfo) -> Field:
    bare = _bare(inspect.type_info(info.type))
    members = _fields(bare.cls) if isinstance(bare, inspect.StructType) else ()
    return Field(info.encode_name, _kind(bare), info.required, info.type, members)


def _bare(kind: inspect.Type) -> inspect.Type:
    """Without the None that makes a field optional."""
    if not isinstance(kind, inspect.UnionType):
        return kind
    return next(member for member in kind.types if not isinstance(member, inspect.NoneType))


def _kind(bare: inspect.Type) -> Kind:
    match bare:
        case inspect.IntType():
            return "whole"
        case inspect.BoolType():
            return "truth"
        case inspect.ListType():
            return "list"
        case inspect.StructType():
            return "object"
        case inspect.DictType():
            return "labels"
    return "text"
