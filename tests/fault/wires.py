"""
Wires that can be cut: what goes between a client and a server, and the faults that networks have.

They run on an event loop in a thread of their own, so that a busy test doesn't slow them down. Any thread may call any
method; what it asks for is so when it returns.
"""

import asyncio
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import urlsplit

from infra.local.ports import LOOPBACK, free_ports
from tests.fault.links import Conditions, Link, Towards

T = TypeVar("T")

STEPS_TO_ACCEPT = 3
"""Of the event loop. Who is just being accepted when asyncio's server closes is dropped, and never hears of it."""


class Wire:
    """The way to one server, at a port of its own: one for each client that is to suffer on its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, host: str, port: int) -> None:
        self._loop = loop
        self._conditions = Conditions(host, port)
        self._links: set[Link] = set()
        self._door: asyncio.Server | None = None
        (self.port,) = free_ports(1)
        self.heal()

    def through(self, url: str) -> str:
        """The same URL, by way of this wire."""
        parts = urlsplit(url)
        login, at, _ = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{login}{at}{LOOPBACK}:{self.port}").geturl()

    def connections(self) -> int:
        """How many there are now, frozen ones included."""
        return len(self._links)

    def cut(self) -> None:
        """Reset all connections; new ones go through."""
        self._do(self._cut())

    def refuse(self) -> None:
        """Reset all connections, and refuse new ones until healed."""
        self._do(self._refuse())

    def freeze(self) -> None:
        """
        From now on nothing arrives, nothing is closed, and who connects hangs. Healing helps new connections only:
        a frozen one stays silent until its client gives up, of which the server hears as soon as the wire is healed.
        """
        self._do(self._freeze())

    def delay(self, seconds: float, towards: Towards | None = None) -> None:
        """What goes in this direction, or in both, arrives so much later, in order."""
        delays = self._conditions.delays
        self._conditions.delays = {way: seconds if towards in {way, None} else delays[way] for way in delays}

    def throttle(self, bytes_per_second: float) -> None:
        """No more than this gets through in each direction of each connection."""
        self._conditions.rate = bytes_per_second

    def heal(self) -> None:
        """As good as new, but for the connections that were frozen."""
        self._do(self._heal())

    def _do(self, change: Coroutine[object, object, T]) -> T:
        return asyncio.run_coroutine_threadsafe(change, self._loop).result()

    async def _cut(self) -> None:
        await asyncio.gather(*(link.reset() for link in self._links))

    async def _refuse(self) -> None:
        if self._door:
            for listening in self._door.sockets:
                self._loop.remove_reader(listening.fileno())
            for _ in range(STEPS_TO_ACCEPT):
                await asyncio.sleep(0)
            self._door.close()
            self._door = None
        await self._cut()

    async def _freeze(self) -> None:
        self._conditions.whole.clear()
        await asyncio.gather(*(link.freeze() for link in self._links))

    async def _heal(self) -> None:
        self._conditions.heal()
        if not self._door:
            self._door = await asyncio.start_server(self._accept, LOOPBACK, self.port)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(self._conditions, (reader, writer), lambda: self._links.discard(link))
        self._links.add(link)


class Wires:
    """Wires by name, all of them gone at the end of the block, with what is on them."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wires")
        self._wires: dict[str, Wire] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for wire in self._wires.values():
            wire.refuse()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __getitem__(self, name: str) -> Wire:
        return self._wires[name]

    def lay(self, name: str, url: str) -> Wire:
        """A new wire to the server of this URL, which has to name its port."""
        parts = urlsplit(url)
        assert parts.hostname
        assert parts.port
        self._wires[name] = wire = Wire(self._loop, parts.hostname, parts.port)
        return wire

    def heal(self) -> None:
        for wire in self._wires.values():
            wire.heal()
