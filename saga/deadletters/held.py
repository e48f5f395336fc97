"""Dead letters that are held in hand for as long as they are looked at, and then are where they were."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aiormq.exceptions import ChannelLockedResource

from saga.broker import Names, connect, translated
from saga.deadletters.letter import Letter
from saga.deadletters.reading import read
from saga.errors import CannotStart
from saga.service import Service
from saga.waiting import backoffs

MOST = 50_000
"""Letters of one service that are looked at together: the oldest. The others come to light when these are gone."""
SILENCE = 3.0
"""Seconds without a letter after which no more will come: somebody else has taken those that are missing."""
PATIENCE = 30.0
"""Seconds in which whoever is looking at the same letters should be done."""


@asynccontextmanager
async def held(amqp_url: str, services: Sequence[Service], *, alone: bool = True) -> AsyncIterator[list[Letter]]:
    """All dead letters of these services, the longest parked first; nobody else who asks so sees them meanwhile.

    Whoever may declare nothing can't make sure that he is `alone`: he doesn't see what others hold.

    Those that aren't removed are in their queue again after the block, in their order, however it ends: the connection
    ends with it. Raises CannotStart, or BrokerAway.
    """
    connection = await connect(amqp_url, "saga dead")
    async with connection, translated():
        letters = []
        for service in sorted(services, key=lambda service: service.name):
            if alone:
                await _alone(connection, service)
            letters += [read(service, message) for message in await _taken(connection, service)]
        yield sorted(letters, key=lambda letter: letter.parked_at)


async def _alone(connection: AbstractConnection, service: Service) -> None:
    """Wait until nobody else holds these letters: else some would seem to be gone.

    An exclusive queue can be had by one connection, and ends with it.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            for pause in backoffs(0.1):
                if await _locked(await connection.channel(), f"{Names(service.name).dead}.held"):
                    return
                await asyncio.sleep(pause)
    except TimeoutError:
        problem = f"somebody else is looking at the dead letters of {service.name}"
        raise CannotStart(problem, "try again when they are done") from None


async def _locked(channel: AbstractChannel, name: str) -> bool:
    try:
        await channel.declare_queue(name, exclusive=True)
    except ChannelLockedResource:
        return False
    return True


async def _taken(connection: AbstractConnection, service: Service) -> list[AbstractIncomingMessage]:
    """What waits there now, unacknowledged."""
    channel = await connection.channel()
    queue = await channel.declare_queue(Names(service.name).dead, passive=True)
    waiting = min(queue.declaration_result.message_count or 0, MOST)
    taken: list[AbstractIncomingMessage] = []
    if waiting:
        inbound: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        await channel.set_qos(prefetch_count=waiting)
        consumer = await queue.consume(inbound.put)
        try:
            while len(taken) < waiting:
                async with asyncio.timeout(SILENCE):
                    taken.append(await inbound.get())
        except TimeoutError:
            pass
        await queue.cancel(consumer)
    return taken
