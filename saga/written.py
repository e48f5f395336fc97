"""Messages as databases keep them: written as JSON, and read back as JSON.

Read as Python values, a strict field would be refused that JSON can only write as text, a time for instance.
"""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from pydantic_core import from_json, to_json

from events import Envelope, Message
from events.envelope import envelopes_of
from saga.messages import wire_name

M = TypeVar("M", bound=Message)


def by_name(types: Iterable[type[M]]) -> dict[str, type[M]]:
    """What may have been written, by the names under which it was."""
    return {wire_name(message): message for message in types}


def message(types: Mapping[str, type[M]], name: str, data: str | bytes) -> M:
    """What was written under this name. Raises KeyError or ValueError, if another version wrote it."""
    return types[name].model_validate_json(data)


def text(noted: Envelope[Message]) -> str:
    """What `envelope` reads back."""
    return envelopes_of(Message).dump_json(noted).decode()


def envelope(types: Mapping[str, type[Message]], body: str | bytes) -> Envelope[Message]:
    """A message in its envelope. Raises KeyError or ValueError, if another version wrote it."""
    document = from_json(body)
    data = message(types, document["type"], to_json(document["data"]))
    return envelopes_of(Message).validate_python(document | {"data": data})
