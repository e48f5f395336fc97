"""One trace for a whole saga: https://www.w3.org/TR/trace-context/#traceparent-header."""

import secrets
from dataclasses import dataclass
from typing import Protocol


class Cause(Protocol):
    """What is needed of a message to tell of what follows that it follows from it."""

    @property
    def id(self) -> str: ...
    @property
    def traceparent(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Caused:
    """That alone, where the message itself is no longer at hand."""

    id: str
    traceparent: str | None


def child_of(parent: str | None) -> str:
    """A new span in the parent's trace; without a parent, in a trace of its own."""
    trace = parent.split("-")[1] if parent else secrets.token_hex(16)
    return f"00-{trace}-{secrets.token_hex(8)}-01"
