"""Says everything a second time, a little later, so that everything is delivered twice and in another order; and keeps
the minutes: one line for each message, from which the story of an order can be told.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractIncomingMessage

from saga.broker import ELECTION, connect, open_channel, translated
from saga.errors import CannotStart, ServerAway
from saga.publisher import Outgoing, Publisher

QUEUE = "parrot"
ECHO = "x-echo"
PATIENCE = 2.0
"""Seconds after which a message has been said again, at the latest."""


class Parrot:
    """It has a durable queue, so that it misses nothing while the broker is down."""

    def __init__(self, amqp_url: str, exchanges: list[str], minutes: Path, seed: int) -> None:
        self._url = amqp_url
        self._exchanges = exchanges
        self._minutes = minutes
        self._dice = random.Random(seed)
        self._publisher = Publisher(amqp_url, "parrot says")
        self.silent = False

    async def prepare(self) -> None:
        connection = await connect(self._url, "parrot prepares")
        async with connection:
            channel = await connection.channel()
            queue = await channel.declare_queue(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
            for exchange in self._exchanges:
                await queue.bind(exchange, "#")

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._listen()
            except (ServerAway, CannotStart):
                await asyncio.sleep(0.5)

    def story(self, saga_id: str) -> list[str]:
        """What was heard of one saga, and when."""
        with self._minutes.open() as lines:
            return [line.rstrip() for line in lines if saga_id in line]

    async def _listen(self) -> None:
        connection = await connect(self._url, "parrot hears")
        async with connection, translated():
            await asyncio.sleep(ELECTION)
            channel = await open_channel(connection)
            lost = asyncio.Event()
            channel.close_callbacks.add(lambda *_: lost.set())
            await channel.set_qos(prefetch_count=500)
            queue = await channel.get_queue(QUEUE, ensure=False)
            await queue.consume(self._hear)
            await lost.wait()

    async def _hear(self, message: AbstractIncomingMessage) -> None:
        is_echo = ECHO in message.headers
        self._note(message, is_echo=is_echo)
        if not is_echo and not self.silent:
            await asyncio.sleep(self._dice.uniform(0, PATIENCE))
            await self._say_again(message)
        try:
            await message.ack()
        except RuntimeError:  # the channel is gone: it will come again
            return

    async def _say_again(self, message: AbstractIncomingMessage) -> None:
        copy = Message(
            message.body,
            headers={**message.headers, ECHO: 1},
            content_type=message.content_type,
            message_id=message.message_id,
            app_id=message.app_id,
            timestamp=message.timestamp,
            type=message.type,
            delivery_mode=DeliveryMode.PERSISTENT,
        )
        try:
            await self._publisher.publish_one(Outgoing(copy, message.exchange or "", message.routing_key or ""))
        except (ServerAway, CannotStart):
            return  # a duplicate less

    def _note(self, message: AbstractIncomingMessage, *, is_echo: bool) -> None:
        try:
            said = json.loads(message.body)
        except ValueError:
            said = {}
        line = {
            "heard": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "type": message.routing_key,
            "saga": said.get("subject") or said.get("order_id"),
            "id": message.message_id,
            "cause": said.get("causationid"),
            "said": said.get("time"),
            **({"echo": True} if is_echo else {}),
        }
        with self._minutes.open("a") as minutes:
            minutes.write(json.dumps(line) + "\n")


@asynccontextmanager
async def parroting(parrot: Parrot) -> AsyncIterator[Parrot]:
    await parrot.prepare()
    task = asyncio.create_task(parrot.run())
    try:
        yield parrot
    finally:
        task.cancel()
        await asyncio.wait([task])
