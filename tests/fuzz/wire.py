"""Content headers as a broker hands them over: well formed, with values of every type, and as odd as a sender likes."""

import random
from dataclasses import dataclass, field

from aio_pika import IncomingMessage
from aiormq.abc import DeliveredMessage
from pamqp import commands, frame, header

from saga.amqp import Received

_FLAGS = {
    "content_type": 15,
    "content_encoding": 14,
    "headers": 13,
    "delivery_mode": 12,
    "priority": 11,
    "correlation_id": 10,
    "reply_to": 9,
    "message_id": 7,
    "timestamp": 6,
    "type": 5,
    "app_id": 3,
    "cluster_id": 2,
}
"""Where each property's flag stands, in the order in which the properties follow. Expiration and user id are missing:
the broker itself refuses odd ones."""

_BASIC = 60


@dataclass(frozen=True, slots=True)
class Wired:
    """A message on the wire: `headers` are names and encoded values, and `properties` are encoded."""

    routing_key: str
    body: bytes
    properties: dict[str, bytes] = field(default_factory=dict)
    headers: tuple[tuple[bytes, bytes], ...] = ()

    def properties_frame(self) -> tuple[int, bytes]:
        """The flags, and what they announce."""
        told = dict(self.properties)
        if self.headers:
            told["headers"] = table(*self.headers)
        named = [name for name in _FLAGS if name in told]
        return sum(1 << _FLAGS[name] for name in named), b"".join(told[name] for name in named)


def received(sent: Wired) -> IncomingMessage:
    """As the client library makes it of the frame."""
    flags, properties = sent.properties_frame()
    content = _BASIC.to_bytes(2) + bytes(2) + len(sent.body).to_bytes(8) + flags.to_bytes(2) + properties
    raw = b"\x02\x00\x01" + len(content).to_bytes(4) + content + b"\xce"
    _, _, head = frame.unmarshal(raw)
    assert isinstance(head, header.ContentHeader)
    delivered = commands.Basic.Deliver("tag", 1, redelivered=False, exchange="orders", routing_key=sent.routing_key)
    return IncomingMessage(DeliveredMessage(delivered, head, sent.body, None))  # type: ignore[arg-type] # no channel


def delivered(sent: Wired) -> Received:
    """As a consumer is handed it."""
    flags, properties = sent.properties_frame()
    content = _BASIC.to_bytes(2) + bytes(2) + len(sent.body).to_bytes(8) + flags.to_bytes(2) + properties
    return Received(1, "orders", sent.routing_key, content, sent.body)


def short(text: str | bytes) -> bytes:
    raw = text.encode(errors="replace") if isinstance(text, str) else text
    return bytes([len(raw[:255])]) + raw[:255]


def long(raw: bytes) -> bytes:
    return len(raw).to_bytes(4) + raw


def text(words: str) -> bytes:
    return b"S" + long(words.encode(errors="replace"))


def table(*fields: tuple[bytes, bytes]) -> bytes:
    return long(b"".join(short(name) + value for name, value in fields))


_BYTES = {"t": 1, "b": 1, "B": 1, "s": 2, "u": 2, "I": 4, "i": 4, "f": 4, "D": 5, "l": 8, "d": 8, "T": 8, "V": 0}


def value(dice: random.Random, depth: int = 0) -> bytes:
    """Of any type, with any content."""
    kind = dice.choice("SSxFA" + "".join(_BYTES)) if depth < 3 else dice.choice("S" + "".join(_BYTES))
    match kind:
        case "F":
            fields = (
                (dice.randbytes(dice.choice((0, 1, 9, 200))), value(dice, depth + 1)) for _ in range(dice.randrange(4))
            )
            content = table(*fields)
        case "A":
            content = long(b"".join(value(dice, depth + 1) for _ in range(dice.randrange(4))))
        case "S" | "x":
            content = long(dice.randbytes(dice.choice((0, 1, 16, 300, 3000))))
        case _:
            content = dice.choice((b"\x00", b"\xff", b"\x7f", b"")) * _BYTES[kind]
            content = content if len(content) == _BYTES[kind] else dice.randbytes(_BYTES[kind])
    return kind.encode() + content


def nested(depth: int, kind: bytes) -> bytes:
    """Tables or arrays within each other."""
    inner = b"V"
    for _ in range(depth):
        inner = kind + (table((b"", inner)) if kind == b"F" else long(inner))
    return inner
