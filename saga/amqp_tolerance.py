"""Properties that a sender may get wrong must not cost the consumer its connection, nor the way to the dead letters.

The client library gives a connection up over a frame that it can't decode. The broker then delivers the same message
again, to whoever consumes, for ever: a single timestamp in microseconds would stop a service. And what it decodes, it
can't always encode again, so that the message could be neither tried again nor parked. Here, what Python can't show is
missing, what isn't UTF-8 is escaped, and whatever is decoded can be sent on.
"""

from collections.abc import Callable

from pamqp import decode, encode
from pamqp.common import FieldArray, FieldTable, FieldValue

DEEPEST = 16
"""Tables and arrays within each other; what is deeper is missing. Nobody means more, and each level is a recursion."""

_Decode = Callable[[bytes], tuple[int, FieldValue]]

_FIXED = {b"V": 0, **dict.fromkeys((b"t", b"b", b"B"), 1), **dict.fromkeys((b"s", b"u"), 2)}
_FIXED |= {**dict.fromkeys((b"I", b"i", b"f"), 4), b"D": 5, **dict.fromkeys((b"l", b"L", b"d", b"T"), 8)}
"""Bytes of the types that have no length of their own: https://www.rabbitmq.com/amqp-0-9-1-errata#section_3"""


def install() -> None:
    """Make the client library tolerant, in this process, from now on."""
    decode.METHODS["timestamp"] = decode.TABLE_MAPPING[b"T"] = _or_missing(decode.timestamp)
    decode.METHODS["shortstr"] = _short_string
    decode.METHODS["table"] = _table
    encode.encode_table_value = _encoded


def _or_missing(timestamp: _Decode) -> _Decode:
    def decoded(value: bytes) -> tuple[int, FieldValue]:
        try:
            return timestamp(value)
        except (ValueError, OverflowError, OSError):
            return 8, None

    return decoded


def _short_string(value: bytes) -> tuple[int, FieldValue]:
    """Escaped, two texts that differ stay different: identities are among them."""
    length = value[0]
    return length + 1, value[1 : length + 1].decode(errors="backslashreplace")


def _table(value: bytes) -> tuple[int, FieldTable]:
    length = int.from_bytes(value[:4])
    return length + 4, _fields(value[4 : length + 4], 1)


def _fields(value: bytes, depth: int) -> FieldTable:
    at, fields = 0, FieldTable()
    while at < len(value):
        consumed, name = _short_string(value[at : at + 256])
        at, fields[str(name)] = _embedded(value, at + consumed, depth)
    return fields


def _items(value: bytes, depth: int) -> FieldArray:
    at, items = 0, FieldArray()
    while at < len(value):
        at, item = _embedded(value, at, depth)
        items.append(item)
    return items


def _embedded(value: bytes, at: int, depth: int) -> tuple[int, FieldValue]:
    """Where the value that begins here ends, and what it is."""
    kind, start = value[at : at + 1], at + 1
    if kind in _FIXED:
        end = start + _FIXED[kind]
        return end, decode.TABLE_MAPPING[kind](value[start:end])[1]
    start += 4
    end = start + int.from_bytes(value[at + 1 : start])
    content = value[start:end]
    if kind == b"S":
        return end, content.decode(errors="backslashreplace")
    if kind == b"x":
        return end, bytearray(content)
    if depth < DEEPEST and kind == b"F":
        return end, _fields(content, depth + 1)
    if depth < DEEPEST and kind == b"A":
        return end, _items(content, depth + 1)
    return end, None


_encoded_by_library = encode.encode_table_value


def _encoded(value: FieldValue) -> bytes:
    """The library sends every float as one of 32 bits, which not every float fits."""
    return b"d" + encode.double(value) if isinstance(value, float) else _encoded_by_library(value)
