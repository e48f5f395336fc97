"""Keys that depend on nothing but what they are for, and lie side by side when they are of the same time."""

from hashlib import sha1
from uuid import UUID

_HASHED = 80
"""Bits at the end of a UUID; those before them are the time, in a UUIDv7."""
_SET = 0xF << 76 | 0b11 << 62
"""Of these bits, those that tell version and variant."""
_CUSTOM = 0x8 << 76 | 0b10 << 62


def derived(parent: UUID, name: str) -> UUID:
    """The same for the same name and parent, a UUIDv8; it sorts where its parent does.

    Where parents grow with time, as UUIDv7 do, so do the keys: an index gets new entries at its end, however much lies
    before. A key at random would change, and log, another page of it each time.
    https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-8
    """
    first = parent.int >> _HASHED << _HASHED
    digest = sha1(parent.bytes + name.encode(), usedforsecurity=False).digest()  # as for a UUIDv5
    hashed = int.from_bytes(digest[6:16])
    return UUID(int=first | (hashed & ~_SET) | _CUSTOM)
