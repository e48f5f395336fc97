"""One trace for a whole saga: https://www.w3.org/TR/trace-context/#traceparent-header."""

import secrets


def child_of(parent: str | None) -> str:
    """A new span in the parent's trace; without a parent, in a trace of its own."""
    trace = parent.split("-")[1] if parent else secrets.token_hex(16)
    return f"00-{trace}-{secrets.token_hex(8)}-01"
