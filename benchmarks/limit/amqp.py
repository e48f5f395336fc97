"""Just enough of AMQP 0-9-1 for a stream of deliveries and windows of confirmed publishes, with nothing done twice.

https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf; no heartbeats, no recovery, one channel, one consumer.
"""

import asyncio
import struct
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, cast
from urllib.parse import unquote, urlsplit

from pamqp import commands, frame

CHANNEL = 1
_HEAD = struct.Struct(">BHI")
_END = b"\xce"
_FRAME_MAX = 131_072  # of RabbitMQ, and of any body here
_METHOD, _HEADER, _BODY = 1, 2, 3
_DELIVER, _ACK, _RETURN = b"\x00\x3c\x00\x3c", b"\x00\x3c\x00\x50", b"\x00\x3c\x00\x32"
_PROPERTIES = 0b1001_0100_1000_0000  # content_type, delivery_mode, correlation_id, message_id
JSON = "application/json"
_PERSISTENT = b"\x02"


class Delivery(NamedTuple):
    tag: int
    routing_key: str
    body: bytes


class Outgoing(NamedTuple):
    exchange: str
    routing_key: str
    message_id: str
    correlation_id: str
    body: bytes


class Lost(Exception):
    """The connection is gone, or a message had nowhere to go."""


@dataclass
class _Window:
    """Messages that were published together, and how many of them the broker has not confirmed."""

    confirmed: asyncio.Future[None]
    outstanding: int


class Link(asyncio.Protocol):
    """One connection. `arrived` holds what has been delivered, and `news` is set whenever something has."""

    def __init__(self, content_type: str = JSON) -> None:
        self._form = bytes([len(content_type)]) + content_type.encode() + _PERSISTENT
        self.arrived: deque[Delivery] = deque()
        self.news = asyncio.Event()
        self._buffer = bytearray()
        self._replies: asyncio.Queue[Any] = asyncio.Queue()
        self._delivering: tuple[int, str] | None = None
        self._published = 0
        self._unconfirmed: dict[int, _Window] = {}
        self._oldest = 1
        self._transport = asyncio.Transport()

    async def open(self, url: str) -> None:
        """Connect, log in, and open a channel with confirms."""
        told = urlsplit(url)
        await asyncio.get_running_loop().create_connection(lambda: self, told.hostname or "", told.port or 5672)
        self._write(b"AMQP\x00\x00\x09\x01")
        await self._replies.get()
        login = f"\0{unquote(told.username or '')}\0{unquote(told.password or '')}"
        capabilities: Any = {"capabilities": {"publisher_confirms": True, "basic.nack": True}}
        self._send(0, commands.Connection.StartOk(capabilities, "PLAIN", login, "en_US"))
        await self._replies.get()
        self._send(0, commands.Connection.TuneOk(1, _FRAME_MAX, 0))
        self._send(0, commands.Connection.Open(unquote(told.path[1:]) or "/"))
        await self._replies.get()
        await self.ask(commands.Channel.Open())
        await self.ask(commands.Confirm.Select())

    async def ask(self, method: Any) -> Any:
        """Send a method on the channel; the broker's reply."""
        self._send(CHANNEL, method)
        return await self._replies.get()

    async def consume(self, queue: str, prefetch: int = 0) -> None:
        """Without a prefetch, what is delivered counts as acknowledged."""
        await self.ask(commands.Basic.Qos(0, prefetch))
        await self.ask(commands.Basic.Consume(queue=queue, no_ack=prefetch == 0))

    async def close(self) -> None:
        await self.ask(commands.Channel.Close(200, "", 0, 0))
        self._transport.close()

    def ack(self, tag: int) -> None:
        """That delivery and all before it."""
        self._send(CHANNEL, commands.Basic.Ack(tag, multiple=True))

    def publish(self, window: Iterable[Outgoing]) -> asyncio.Future[None]:
        """In one write; done when the broker has confirmed all of them, which it does in any order."""
        frames = bytearray()
        first = self._published + 1
        for out in window:
            self._published += 1
            exchange, key = out.exchange.encode(), out.routing_key.encode()
            method = b"".join(
                (b"\x00\x3c\x00\x28\x00\x00", bytes([len(exchange)]), exchange, bytes([len(key)]), key, b"\x01")
            )
            saga, identity = out.correlation_id.encode(), out.message_id.encode()
            header = b"".join(
                (
                    b"\x00\x3c\x00\x00",
                    struct.pack(">QH", len(out.body), _PROPERTIES),
                    self._form,
                    bytes([len(saga)]),
                    saga,
                    bytes([len(identity)]),
                    identity,
                )
            )
            for kind, payload in ((_METHOD, method), (_HEADER, header), (_BODY, out.body)):
                frames += _HEAD.pack(kind, CHANNEL, len(payload))
                frames += payload
                frames += _END
        confirmed = asyncio.get_running_loop().create_future()
        if self._published < first:
            confirmed.set_result(None)
        else:
            outstanding = range(first, self._published + 1)
            self._unconfirmed.update(dict.fromkeys(outstanding, _Window(confirmed, len(outstanding))))
            self._write(bytes(frames))
        return confirmed

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        for window in self._unconfirmed.values():
            if not window.confirmed.done():
                window.confirmed.set_exception(Lost(str(exc)))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        at = 0
        with memoryview(self._buffer) as view:
            while len(view) >= at + 8:
                kind, channel, size = _HEAD.unpack_from(view, at)
                end = at + 7 + size
                if len(view) < end + 1:
                    break
                self._frame(kind, channel, bytes(view[at + 7 : end]))
                at = end + 1
        del self._buffer[:at]

    def _frame(self, kind: int, channel: int, payload: bytes) -> None:
        if kind == _METHOD:
            head = payload[:4]
            if head == _DELIVER:
                at = 5 + payload[4]
                tag = int.from_bytes(payload[at : at + 8])
                at += 9
                at += 1 + payload[at]
                self._delivering = (tag, payload[at + 1 : at + 1 + payload[at]].decode())
            elif head == _ACK:
                self._confirm(int.from_bytes(payload[4:12]), multiple=bool(payload[12]))
            elif head == _RETURN:
                raise Lost("a message had nowhere to go")
            else:
                raw = _HEAD.pack(kind, channel, len(payload)) + payload + _END
                self._replies.put_nowait(frame.unmarshal(raw)[2])
        elif kind == _BODY and self._delivering is not None:
            self.arrived.append(Delivery(*self._delivering, payload))
            self._delivering = None
            self.news.set()

    def _confirm(self, tag: int, *, multiple: bool) -> None:
        """A window is confirmed when all of its messages are."""
        for confirmed in range(self._oldest, tag + 1) if multiple else (tag,):
            if window := self._unconfirmed.pop(confirmed, None):
                window.outstanding -= 1
                if not window.outstanding:
                    window.confirmed.set_result(None)
        if multiple:
            self._oldest = tag + 1

    def _send(self, channel: int, method: Any) -> None:
        self._write(frame.marshal(method, channel))

    def _write(self, raw: bytes) -> None:
        self._transport.write(raw)
