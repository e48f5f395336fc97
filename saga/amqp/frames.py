"""How frames are cut, and those of which a message that goes out consists."""

from struct import Struct

from saga.amqp.content import Content

CHANNEL = 1
METHOD, HEADER, BODY, HEARTBEAT = 1, 2, 3, 8
HEAD = Struct(">BHI")
"""Kind, channel and bytes of what follows, before the end."""
END = b"\xce"
ALIVE = HEAD.pack(HEARTBEAT, 0, 0) + END

_CLASS = b"\x00\x3c"
_MANDATORY = b"\x01"


def basic(method: int) -> bytes:
    """With what the payload of a method of the class basic begins."""
    return _CLASS + method.to_bytes(2)


_PUBLISH = basic(40) + b"\x00\x00"
_ACK = HEAD.pack(METHOD, CHANNEL, 13) + basic(80)


def acknowledged(tag: int, *, multiple: bool) -> bytes:
    """The frame that tells so of a delivery, or of all of them up to it."""
    return b"".join((_ACK, tag.to_bytes(8), bytes((multiple,)), END))


def published(exchange: str, routing_key: str, content: Content, most: int) -> list[bytes]:
    """Pieces that follow each other on the wire, in frames of at most so many bytes."""
    named, keyed = exchange.encode(), routing_key.encode()
    method = b"".join((_PUBLISH, bytes((len(named),)), named, bytes((len(keyed),)), keyed, _MANDATORY))
    size = len(content.body)
    header = b"".join((_CLASS, b"\x00\x00", size.to_bytes(8), content.properties))
    pieces = [HEAD.pack(METHOD, CHANNEL, len(method)), method, END]
    pieces += (HEAD.pack(HEADER, CHANNEL, len(header)), header, END)
    room = most - HEAD.size - len(END)
    for start in range(0, size, room):
        part = content.body if size <= room else content.body[start : start + room]
        pieces += (HEAD.pack(BODY, CHANNEL, len(part)), part, END)
    return pieces
