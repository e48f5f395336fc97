"""Keys that depend on nothing but what they are for, and lie side by side when they are of the same time."""

from uuid import UUID, uuid5

_HASHED = 80
"""Bits at the end of a UUID; those before them are the time, in a UUIDv7."""
_VERSION = 0xF << 76
_CUSTOM = 0x8 << 76


def derived(parent: UUID, name: str) -> UUID:
    """The same for the same name and parent, a UUIDv8; it sorts where its parent does.

    Where parents grow with time, as UUIDv7 do, so do the keys: an index gets new entries at its end, however much lies
    before. A key at random would change, and log, another page of it each time.
    https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-8
    """
    first = parent.int >> _HASHED << _HASHED
    hashed = uuid5(parent, name).int & ((1 << _HASHED) - 1)
    return UUID(int=first | (hashed & ~_VERSION) | _CUSTOM)
