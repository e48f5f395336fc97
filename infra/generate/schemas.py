"""Every event's data as JSON Schema, by which others read and write it."""

import json
from collections.abc import Iterator
from pathlib import Path

import events
from events import Event
from saga.messages import wire_name

SCHEMAS = Path("docs/schemas")
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def documents() -> Iterator[tuple[Path, str]]:
    for event in spoken():
        yield SCHEMAS / f"{event.event_type}.json", schema(event)


def spoken() -> list[type[Event]]:
    """Every event of the published language."""
    types = {thing for thing in vars(events).values() if isinstance(thing, type) and issubclass(thing, Event)}
    return sorted(types - {Event}, key=wire_name)


def schema(event: type[Event]) -> str:
    head = {"$schema": DIALECT, "$id": f"{event.event_type}.json"}
    return json.dumps(head | event.model_json_schema() | {"title": event.event_type}, indent=2) + "\n"
