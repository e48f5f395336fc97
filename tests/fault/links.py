"""One connection on a wire: two streams, each of which is carried to the other."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

CHUNK = 65_536
IN_FLIGHT = 256  # chunks that are on their way, at most, in one direction
ABRUPTLY = struct.pack("ii", 1, 0)  # to linger for no time: closing sends RST

Towards = Literal["client", "server"]
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Queue = asyncio.Queue[tuple[float, bytes]]
END = (0.0, b"")


@dataclass
class Conditions:
    """Where a wire leads, and the state that it is in."""

    host: str
    port: int
    delays: dict[Towards, float] = field(default_factory=lambda: {"client": 0.0, "server": 0.0})
    rate: float = 0.0  # bytes a second; 0 for as fast as it goes
    whole: asyncio.Event = field(default_factory=asyncio.Event)  # clear while it is frozen

    def heal(self) -> None:
        self.delays = dict.fromkeys(self.delays, 0.0)
        self.rate = 0.0
        self.whole.set()


class Link:
    def __init__(self, conditions: Conditions, client: Stream, over: Callable[[], None]) -> None:
        self._conditions = conditions
        self._streams = [client]
        self._over = over
        whole = conditions.whole.is_set()
        self._task = asyncio.create_task(self._carry() if whole else self._swallow())

    async def reset(self) -> None:
        """Both ends hear of it as an RST."""
        await self._pause()
        self._abort()

    async def freeze(self) -> None:
        await self._pause()
        self._task = asyncio.create_task(self._swallow())

    async def _pause(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    def _abort(self) -> None:
        for _, writer in self._streams:
            with contextlib.suppress(OSError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABRUPTLY)
            writer.transport.abort()
        self._over()

    async def _carry(self) -> None:
        """Until both ends have said all, or one is lost. Where nobody listens, the client is accepted and reset."""
        ((hears, says),) = self._streams
        try:
            to_hear, to_say = await asyncio.open_connection(self._conditions.host, self._conditions.port)
            self._streams.append((to_hear, to_say))
            async with asyncio.TaskGroup() as both:
                self._direct(both, hears, to_say, "server")
                self._direct(both, to_hear, says, "client")
        except* OSError:
            self._abort()
        else:
            for _, writer in self._streams:
                writer.close()
            self._over()

    def _direct(
        self, tasks: asyncio.TaskGroup, source: asyncio.StreamReader, sink: asyncio.StreamWriter, towards: Towards
    ) -> None:
        queue: Queue = asyncio.Queue(IN_FLIGHT)
        tasks.create_task(self._hear(source, queue, towards))
        tasks.create_task(self._say(queue, sink))

    async def _hear(self, source: asyncio.StreamReader, queue: Queue, towards: Towards) -> None:
        loop = asyncio.get_running_loop()
        while data := await source.read(CHUNK):
            await queue.put((loop.time() + self._conditions.delays[towards], data))
        await queue.put(END)

    async def _say(self, queue: Queue, sink: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while (item := await queue.get()) != END:
            due, data = item
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
            while data:
                rate = self._conditions.rate
                piece = data[: max(1, int(rate / 20))] if rate else data
                if rate:
                    await asyncio.sleep(len(piece) / rate)
                sink.write(piece)
                await sink.drain()
                data = data[len(piece) :]
        sink.write_eof()

    async def _swallow(self) -> None:
        """Silence. That the client has given up is told when the wire is healed; what the server does, never."""
        async with asyncio.TaskGroup() as ends:
            client, *server = [ends.create_task(_drain(reader)) for reader, _ in self._streams]
            await client
            await self._conditions.whole.wait()
            for task in server:
                task.cancel()
        self._abort()


async def _drain(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(OSError):
        while await reader.read(CHUNK):
            pass
