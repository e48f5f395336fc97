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
    schema = _resolved(schema, defined)
    if schema.get("personal"):
        return MASKED if value else value
    if isinstance(value, dict):
        fields = schema.get("properties", {})
        return {
            name: _shown(inner, fields[name], defined) if name in fields else MASKED for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_shown(inner, schema.get("items", {}), defined) for inner in value]
    return value if _is_declared(value, schema, defined) else MASKED


def _is_declared(value: Json, schema: Schema, defined: Mapping[str, Schema]) -> bool:
    """What isn't of the type that was to be there may be anything: an address in one piece, instead of its fields."""
    alternatives = (_resolved(one, defined) for one in schema.get("anyOf", (schema,)))
    return any(isinstance(value, _TYPES.get(one.get("type", ""), ())) for one in alternatives)


def _resolved(schema: Schema, defined: Mapping[str, Schema]) -> Schema:
    return {**defined[schema["$ref"].rpartition("/")[2]], **schema} if "$ref" in schema else schema


_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}
