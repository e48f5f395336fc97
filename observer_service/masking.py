"""What of an event's data may be shown: what its schema declares, but for what it declares to be personal."""

from collections.abc import Iterable, Mapping
from typing import Any

from events import Event

MASKED = "•••"
"""In the place of what is not shown."""

Json = Any
Schema = Mapping[str, Any]


class Masking:
    """By the schemas of these types. A field that none of them declares is masked, too: nobody knows what it holds."""

    def __init__(self, types: Iterable[type[Event]]) -> None:
        self._schemas = {event.event_type: event.model_json_schema() for event in types}

    def shown(self, event_type: str, data: Json) -> Json:
        schema = self._schemas.get(event_type)
        return MASKED if schema is None else _shown(data, schema, schema.get("$defs", {}))


def _shown(value: Json, schema: Schema, defined: Mapping[str, Schema]) -> Json:
    """What is of no declared type may be anything, an address in one piece instead of its fields: it is masked, too."""
    alternatives = [_resolved(one, defined) for one in schema.get("anyOf", (schema,))]
    if schema.get("personal") or any(one.get("personal") for one in alternatives):
        return MASKED if value else value
    declared = next((one for one in alternatives if _is_of(value, one)), None)
    if declared is None:
        return MASKED
    if isinstance(value, dict):
        fields = declared.get("properties", {})
        return {
            name: _shown(inner, fields[name], defined) if name in fields else MASKED for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_shown(inner, declared.get("items", {}), defined) for inner in value]
    return value


def _is_of(value: Json, schema: Schema) -> bool:
    return isinstance(value, _TYPES.get(schema.get("type", ""), ())) or value in schema.get("enum", ())


def _resolved(schema: Schema, defined: Mapping[str, Schema]) -> Schema:
    return {**defined[schema["$ref"].rpartition("/")[2]], **schema} if "$ref" in schema else schema


_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
    "array": list,
    "object": dict,
}
