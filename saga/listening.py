"""Hearing everything, without a part in it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aio_pika.abc import AbstractIncomingMessage

from events import Decoder, Envelope, Event, InvalidMessage
from saga.broker import connect, delivery, open_channel, translated
from saga.service import Service


@asynccontextmanager
async def listening(amqp_url: str, services: Sequence[Service]) -> AsyncIterator[AsyncIterator[Envelope[Event]]]:
    """Everything that the services say from now on, through a queue of our own that ends with us."""
    types = {event for service in services for event in (*service.heard, *service.said)}
    decoder = Decoder(types)
    inbound: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()

    async def events() -> AsyncIterator[Envelope[Event]]:
        while (message := await inbound.get()) is not None:
            try:
                yield decoder.decode(delivery(message, message.routing_key or ""))
            except InvalidMessage:
                continue  # it will park; its reason stands in the dead letter

    connection = await connect(amqp_url, "listener")
    async with connection, translated():
        channel = await open_channel(connection)
        channel.close_callbacks.add(lambda *_: inbound.put_nowait(None))
        queue = await channel.declare_queue(exclusive=True, auto_delete=True)
        for exchange in sorted({event.exchange for event in types}):
            await queue.bind(exchange, "#")
        await queue.consume(inbound.put, no_ack=True)
        yield events()
