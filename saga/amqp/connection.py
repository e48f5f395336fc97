"""One connection with one channel."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Self, cast

from pamqp import commands, frame
from yarl import URL

from saga.amqp.content import Content, Received
from saga.amqp.frames import ALIVE, BODY, CHANNEL, END, HEAD, HEADER, METHOD, acknowledged, basic, published
from saga.amqp.window import Confirms, Window

HEARTBEAT = 6
"""Seconds. A connection that hears nothing for three times as long is given up: it may be half open."""

_CONNECTING = 10
_ANSWERING = 30
_CLOSING = 2
_DELIVER, _RETURN, _ACK, _NACK = map(basic, (60, 50, 80, 120))
_CAPABILITIES: Any = {
    "publisher_confirms": True,
    "basic.nack": True,
    "consumer_cancel_notify": True,
    "authentication_failure_close": True,
}


@dataclass
class Refused(Exception):
    """The broker closes the channel or the connection, and says why."""

    code: int
    reason: str

    def __str__(self) -> str:
        return self.reason

    @property
    def is_final(self) -> bool:
        """Whether trying again is of no use: no such thing, or no right to it."""
        return self.code in {403, 404, 530}  # access refused, not found, not allowed


async def connect(amqp_url: str, name: str) -> "Connection":
    """Raises OSError when nobody answers, and Refused."""
    url = URL(amqp_url)
    secure = url.scheme == "amqps"
    context = ssl.create_default_context(cafile=url.query.get("cafile")) if secure else None
    async with asyncio.timeout(_CONNECTING):
        _, connection = await asyncio.get_running_loop().create_connection(
            Connection, url.host or "localhost", url.port or (5671 if secure else 5672), ssl=context
        )
        try:
            return await connection.log_in(url, name)
        except BaseException:
            connection.abort(ConnectionAbortedError("while connecting"))
            raise


class Connection(asyncio.Protocol):
    """Made by `connect`. Whoever waits for something gets the error that ended it; who consumes is called."""

    def __init__(self) -> None:
        self.lost: Exception | None = None
        self._transport = asyncio.Transport()
        self._buffer = b""
        self._reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asking = asyncio.Lock()
        self._confirms = Confirms()
        self._deliver: Callable[[Received], object] = lambda _: None
        self._over: Callable[[], object] = lambda: None
        self._announced = self._header = b""
        self._parts: list[bytes] = []
        self._missing = 0
        self._frame_max = 131_072
        self._heard = self._said = monotonic()
        self._gone = asyncio.Event()

    async def log_in(self, url: URL, name: str) -> Self:
        async with self._asking:
            self._write(b"AMQP\x00\x00\x09\x01")
            await self._answer()
        login = f"\0{url.user or 'guest'}\0{url.password or 'guest'}"
        told: Any = {"capabilities": _CAPABILITIES, "connection_name": name, "product": "saga"}
        tune = await self.ask(commands.Connection.StartOk(told, "PLAIN", login, "en_US"), channel=0)
        self._frame_max = tune.frame_max or self._frame_max
        self._send(commands.Connection.TuneOk(CHANNEL, self._frame_max, HEARTBEAT), channel=0)
        await self.ask(commands.Connection.Open(url.path[1:] or "/"), channel=0)
        await self.ask(commands.Channel.Open())
        self._beat()
        return self

    async def ask(self, method: Any, channel: int = CHANNEL) -> Any:
        """Send a method; the broker's answer. Raises Refused, or the OSError that ended the connection.

        Who stops waiting for an answer ends the connection: it might come later, and be taken for that to the next.
        """
        async with self._asking:
            if self.lost is not None:
                raise self.lost
            try:
                async with asyncio.timeout(_ANSWERING):
                    self._send(method, channel)
                    return await self._answer()
            except BaseException:
                self.abort(ConnectionAbortedError("a question was not answered"))
                raise

    async def waiting(self, queue: str) -> int:
        """How many messages wait in a queue, not counting those in anybody's hands. Raises Refused if there is none."""
        declared = await self.ask(commands.Queue.Declare(queue=queue, passive=True))
        count: int = declared.message_count
        return count

    async def consume(
        self, queue: str, prefetch: int, deliver: Callable[[Received], object], over: Callable[[], object]
    ) -> None:
        """`deliver` is called with each message, and `over` when there will be no more."""
        self._deliver, self._over = deliver, over
        await self.ask(commands.Basic.Qos(0, prefetch))
        await self.ask(commands.Basic.Consume(queue=queue, consumer_tag=queue))

    def ack(self, tag: int, *, multiple: bool) -> None:
        """A delivery, or all of them up to it. If the connection is lost, the broker gives them out again."""
        self._write(acknowledged(tag, multiple=multiple))

    async def confirm_publishes(self) -> None:
        await self.ask(commands.Confirm.Select())

    async def publish(self, outgoing: Sequence[tuple[str, str, Content]], timeout: float) -> Window:  # noqa: ASYNC109 — it is an outcome
        """Publish `(exchange, routing key, content)` in one write, and await what the broker says of each.

        Message ids must differ within a window. A message that no queue takes is returned. When the connection is lost,
        when a message is refused, and when not all is told within `timeout` seconds, then that is the window's `lost`.
        """
        if self.lost is not None:
            return Window([], [], self.lost)
        window = self._confirms.expect([content for _, _, content in outgoing])
        self._write(b"".join(part for out in outgoing for part in published(*out, self._frame_max)))
        lost: Exception | None = None
        try:
            async with asyncio.timeout(timeout):
                await window.told
        except Exception as error:  # noqa: BLE001 — whatever it is, nothing more will be told
            lost = error
        return window.outcome(lost)

    async def close(self) -> None:
        """What has been written is read by the broker before; if it doesn't answer, that isn't known."""
        if self.lost is None:
            self._over = lambda: None
            try:
                async with asyncio.timeout(_CLOSING):
                    self._send(commands.Connection.Close(200, "", 0, 0), channel=0)
                    await self._gone.wait()
            except TimeoutError:
                pass
        self.abort(ConnectionAbortedError("closed"))

    def abort(self, why: Exception) -> None:
        """It is over, whoever waits."""
        if self.lost is not None:
            return
        self.lost = why
        self._transport.abort()
        self._gone.set()
        self._confirms.lose(why)
        if not self._reply.done():
            self._reply.set_exception(why)
            self._reply.exception()  # nobody may be waiting
        self._over()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.abort(exc or ConnectionResetError("the broker closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._heard = monotonic()
        buffer = self._buffer + data if self._buffer else data
        at, size = 0, len(buffer)
        while size >= at + 8:
            kind, channel, length = HEAD.unpack_from(buffer, at)
            end = at + 7 + length
            if size <= end:
                break
            self._take(kind, channel, buffer[at + 7 : end])
            at = end + 1
        self._buffer = buffer[at:] if at < size else b""

    def _take(self, kind: int, channel: int, payload: bytes) -> None:
        if kind == BODY:
            self._parts.append(payload)
            self._missing -= len(payload)
            self._complete()
        elif kind == HEADER:
            self._header = payload
            self._missing = int.from_bytes(payload[4:12])
            self._complete()
        elif kind == METHOD:
            method = payload[:4]
            if method in {_DELIVER, _RETURN}:
                self._announced = payload
            elif method in {_ACK, _NACK}:
                number, multiple = int.from_bytes(payload[4:12]), bool(payload[12] & 1)
                self._confirms.told(number, multiple=multiple, taken=method == _ACK)
            else:
                self._hear(frame.unmarshal(HEAD.pack(kind, channel, len(payload)) + payload + END)[2])

    def _complete(self) -> None:
        """A message is here when nothing of its body is missing."""
        if self._missing > 0:
            return
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts = []
        if self._announced[:4] == _RETURN:
            self._confirms.returned(Received(0, "", "", self._header, body).message_id)
        else:
            self._deliver(Received.delivered(self._announced, self._header, body))

    def _hear(self, method: Any) -> None:
        match method:
            case commands.Connection.Close() | commands.Channel.Close():
                on_channel = isinstance(method, commands.Channel.Close)
                answer = commands.Channel.CloseOk() if on_channel else commands.Connection.CloseOk()
                self._send(answer, CHANNEL if on_channel else 0)
                self.abort(Refused(method.reply_code or 0, method.reply_text))
            case commands.Basic.Cancel():
                self.abort(Refused(0, f"the broker cancelled the consumer {method.consumer_tag!r}"))
            case commands.Connection.CloseOk():
                self.abort(ConnectionAbortedError("closed"))
            case _:
                if self._asking.locked() and not self._reply.done():
                    self._reply.set_result(method)

    async def _answer(self) -> Any:
        try:
            return await self._reply
        finally:
            if self.lost is None:
                self._reply = asyncio.get_running_loop().create_future()

    def _beat(self) -> None:
        """Give a sign of life when nothing else did, and give up when there is none from the other side."""
        if self.lost is not None:
            return
        now = monotonic()
        if now - self._heard > 3 * HEARTBEAT:
            self.abort(TimeoutError(f"nothing was heard for {3 * HEARTBEAT} seconds"))
            return
        if now - self._said > HEARTBEAT / 3:
            self._write(ALIVE)
        asyncio.get_running_loop().call_later(HEARTBEAT / 3, self._beat)

    def _send(self, method: Any, channel: int = CHANNEL) -> None:
        self._write(frame.marshal(method, channel))

    def _write(self, raw: bytes) -> None:
        if self.lost is None:
            self._said = monotonic()
            self._transport.write(raw)
