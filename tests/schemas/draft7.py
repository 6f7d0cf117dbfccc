"""JSON Schema (draft 7), as far as AsyncAPI's own schema uses it. A keyword that is not known here is an error."""

import re
from collections.abc import Callable, Iterator
from typing import Any

TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}
SAYS_NOTHING = {"$schema", "$id", "$comment", "title", "description", "default", "examples", "definitions", "format"}
BESIDE_OTHERS = {"then", "else", "additionalItems"}


class Draft7:
    """Validates against one schema, with all its references in itself."""

    def __init__(self, root: Any) -> None:
        self._root = root

    def errors(self, value: Any, schema: Any = None, at: str = "$") -> list[str]:
        """What is wrong, with where; empty where all is right."""
        schema = self._root if schema is None else schema
        if isinstance(schema, bool):
            return [] if schema else [f"{at}: nothing is allowed here"]
        if "$ref" in schema:
            return self.errors(value, self._referred(schema["$ref"]), at)
        return [error for name, wanted in schema.items() for error in self._check(name, wanted, value, schema, at)]

    def _referred(self, reference: str) -> Any:
        node = self._root
        for part in reference.removeprefix("#").strip("/").split("/"):
            node = node[part.replace("~1", "/").replace("~0", "~")] if part else node
        return node

    def _fits(self, value: Any, schema: Any) -> bool:
        return not self.errors(value, schema)

    def _check(self, name: str, wanted: Any, value: Any, schema: dict[str, Any], at: str) -> Iterator[str]:
        if name in SAYS_NOTHING or name in BESIDE_OTHERS or name.startswith("x-"):
            return
        check = getattr(self, f"_check_{name}", None)
        if check is not None:
            if not check(wanted, value):
                yield f"{at}: {name} {str(wanted)[:200]}, not {str(value)[:200]}"
            return
        yield from getattr(self, f"_look_{name}")(wanted, value, schema, at)

    def _check_type(self, wanted: Any, value: Any) -> bool:
        return any(TYPES[each](value) for each in ([wanted] if isinstance(wanted, str) else wanted))

    def _check_const(self, wanted: Any, value: Any) -> bool:
        return bool(value == wanted)

    def _check_enum(self, wanted: list[Any], value: Any) -> bool:
        return value in wanted

    def _check_required(self, wanted: list[str], value: Any) -> bool:
        return not isinstance(value, dict) or set(wanted) <= set(value)

    def _check_pattern(self, wanted: str, value: Any) -> bool:
        return not isinstance(value, str) or re.search(wanted, value) is not None

    def _check_minimum(self, wanted: float, value: Any) -> bool:
        return not TYPES["number"](value) or value >= wanted

    def _check_maximum(self, wanted: float, value: Any) -> bool:
        return not TYPES["number"](value) or value <= wanted

    def _check_exclusiveMinimum(self, wanted: float, value: Any) -> bool:  # noqa: N802 - the keyword's name
        return not TYPES["number"](value) or value > wanted

    def _check_minItems(self, wanted: int, value: Any) -> bool:  # noqa: N802 - the keyword's name
        return not isinstance(value, list) or len(value) >= wanted

    def _check_minProperties(self, wanted: int, value: Any) -> bool:  # noqa: N802 - the keyword's name
        return not isinstance(value, dict) or len(value) >= wanted

    def _check_maxLength(self, wanted: int, value: Any) -> bool:  # noqa: N802 - the keyword's name
        return not isinstance(value, str) or len(value) <= wanted

    def _check_uniqueItems(self, wanted: bool, value: Any) -> bool:  # noqa: N802 - the keyword's name
        return not (wanted and isinstance(value, list)) or all(value.index(each) == i for i, each in enumerate(value))

    def _check_anyOf(self, wanted: list[Any], value: Any) -> bool:  # noqa: N802 - the keyword's name
        return any(self._fits(value, each) for each in wanted)

    def _check_oneOf(self, wanted: list[Any], value: Any) -> bool:  # noqa: N802 - the keyword's name
        return sum(self._fits(value, each) for each in wanted) == 1

    def _check_not(self, wanted: Any, value: Any) -> bool:
        return not self._fits(value, wanted)

    def _look_allOf(self, wanted: list[Any], value: Any, _: Any, at: str) -> Iterator[str]:  # noqa: N802 - as above
        for each in wanted:
            yield from self.errors(value, each, at)

    def _look_if(self, wanted: Any, value: Any, schema: dict[str, Any], at: str) -> Iterator[str]:
        yield from self.errors(value, schema.get("then" if self._fits(value, wanted) else "else", True), at)

    def _look_items(self, wanted: Any, value: Any, schema: dict[str, Any], at: str) -> Iterator[str]:
        rest = schema.get("additionalItems", True) if isinstance(wanted, list) else wanted
        own = wanted if isinstance(wanted, list) else []
        for index, item in enumerate(value if isinstance(value, list) else ()):
            each = own[index] if index < len(own) else rest
            yield from self.errors(item, each, f"{at}[{index}]")

    def _look_propertyNames(self, wanted: Any, value: Any, _: Any, at: str) -> Iterator[str]:  # noqa: N802 - as above
        for name in value if isinstance(value, dict) else ():
            yield from self.errors(name, wanted, f"{at}.{name}")

    def _look_properties(self, wanted: dict[str, Any], value: Any, _: Any, at: str) -> Iterator[str]:
        for name in wanted.keys() & value.keys() if isinstance(value, dict) else ():
            yield from self.errors(value[name], wanted[name], f"{at}.{name}")

    def _look_patternProperties(self, wanted: Any, value: Any, _: Any, at: str) -> Iterator[str]:  # noqa: N802 - as above
        for name in value if isinstance(value, dict) else ():
            for pattern, each in wanted.items():
                if re.search(pattern, name):
                    yield from self.errors(value[name], each, f"{at}.{name}")

    def _look_additionalProperties(  # noqa: N802 - as above
        self, wanted: Any, value: Any, schema: dict[str, Any], at: str
    ) -> Iterator[str]:
        patterns = schema.get("patternProperties", {})
        for name in value if isinstance(value, dict) else ():
            if name not in schema.get("properties", {}) and not any(re.search(each, name) for each in patterns):
                yield from self.errors(value[name], wanted, f"{at}.{name}")
