"""The shop's front for libraries that a client calls: takes the placed orders, calls, and tells how they end.

It reads and writes windows of messages with the limit's own client, which costs an order some 50 µs, so that the load
is the same for everybody and nobody is charged for the way there.
"""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit
from uuid import uuid4

from pamqp import commands

from benchmarks.limit.amqp import CHANNEL, Link, Outgoing
from benchmarks.peers.shop import Data

QUEUE = "placed"
SHIPPED = ("shipping", "shipment.scheduled.v1")
RELEASED = ("inventory", "stock.released.v1")

End = tuple[str, str]
Accept = Callable[[], None]
"""To be called when the order can't be lost any more by the front's own end, or would be, as a web request is."""


class _Orders(Link):
    def accept(self, tag: int) -> None:
        self._send(CHANNEL, commands.Basic.Ack(tag))


class Front:
    """`call` is given an order and says how it ended, or None where somebody else will `tell`."""

    def __init__(self, call: Callable[[Data, Accept], Awaitable[End | None]], at_once: int) -> None:
        self._call = call
        self._at_once = at_once
        self._orders = _Orders()
        self._running: set[asyncio.Task[None]] = set()
        self._ended: list[Outgoing] = []

    async def run(self, amqp: str) -> None:
        """Until killed."""
        await self._orders.open(amqp)
        await self._orders.consume(QUEUE, self._at_once)
        while True:
            while self._orders.arrived and len(self._running) < self._at_once:
                delivery = self._orders.arrived.popleft()
                order = json.loads(delivery.body)["data"]
                task = asyncio.create_task(self._one(order, delivery.tag))
                self._running.add(task)
                task.add_done_callback(self._done)
            self._orders.news.clear()
            await self._orders.news.wait()

    def tell(self, end: End, order_id: str) -> None:
        identity = str(uuid4())
        body = json.dumps({"id": identity, "type": end[1], "subject": order_id, "data": {"order_id": order_id}})
        if not self._ended:
            asyncio.get_running_loop().call_soon(self._publish)
        self._ended.append(Outgoing(*end, identity, order_id, body.encode()))

    async def _one(self, order: Data, tag: int) -> None:
        end = await self._call(order, lambda: self._orders.accept(tag))
        if end:
            self.tell(end, order["order_id"])

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._orders.news.set()
        task.result()

    def _publish(self) -> None:
        ended, self._ended = self._ended, []
        self._orders.publish(ended)


def hear(front: Front, amqp: str) -> None:
    """From now on the front tells of the ends that other processes send with `Ends`."""
    ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    ear.bind(_address(amqp))

    def listen() -> None:
        try:
            while True:
                end, _, order_id = ear.recv(200).decode().partition(" ")
                front.tell(SHIPPED if end == "shipped" else RELEASED, order_id)
        except BlockingIOError:
            pass

    asyncio.get_running_loop().add_reader(ear, listen)


class Ends:
    """Tells the front from another process, for some microseconds."""

    def __init__(self, amqp: str) -> None:
        self._mouth = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._address = _address(amqp)

    def shipped(self, order_id: str) -> None:
        self._mouth.sendto(f"shipped {order_id}".encode(), self._address)

    def released(self, order_id: str) -> None:
        self._mouth.sendto(f"released {order_id}".encode(), self._address)


def _address(amqp: str) -> str:
    """In Linux's abstract namespace: nothing is left of it."""
    return f"\0{urlsplit(amqp).path[1:]}-ends"
