"""One trace for a whole saga: https://www.w3.org/TR/trace-context/#traceparent-header."""

import hashlib
import secrets
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

from pydantic import TypeAdapter, ValidationError

from events.envelope import TraceParent

_traceparent: TypeAdapter[str] = TypeAdapter(TraceParent)


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


request: ContextVar[str | None] = ContextVar("request", default=None)
"""The traceparent of the request at our door that is being answered."""


def child_of(parent: str) -> str:
    """A new span in the parent's trace, which is recorded."""
    return f"00-{parent[3:35]}-{secrets.token_hex(8)}-01"


def root() -> str:
    """A new trace, which is recorded."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def passed_on(cause: Cause) -> str:
    """The trace as it came, for who records no span of it.

    A message that names none begins one, which is the same for all who hear it.
    """
    return cause.traceparent or _begun_by(cause.id)


def trace_id(cause: Cause) -> str:
    """As log lines name it."""
    return passed_on(cause)[3:35]


def understood(header: str | None) -> str | None:
    """A traceparent that somebody has sent; one of another shape than W3C's is none."""
    try:
        return _traceparent.validate_python(header) if header else None
    except ValidationError:
        return None


def _begun_by(identity: str) -> str:
    digest = hashlib.blake2b(identity.encode(), digest_size=24).hexdigest()
    return f"00-{digest[:32]}-{digest[32:]}-00"
