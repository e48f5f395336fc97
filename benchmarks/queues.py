"""What one quorum queue takes in and gives out, and several: nothing but the broker, a publisher and consumers."""

import asyncio
from contextlib import suppress
from typing import Any

from pamqp import commands

from benchmarks.limit.amqp import Link, Outgoing

BODY = bytes(1200)
WINDOW, AT_ONCE = 250, 8
"""Messages in a write, and writes that are not yet confirmed."""
PREFETCH = 1_000
QUORUM: Any = {"x-queue-type": "quorum"}


async def flow(amqp: str, queues: int, seconds: float) -> float:
    """Messages a second, persistent, confirmed, delivered and acknowledged."""
    names = [f"flow-{number}" for number in range(queues)]
    publisher = Link()
    await publisher.open(amqp)
    consumers = []
    for name in names:
        await publisher.ask(commands.Queue.Declare(queue=name, durable=True, arguments=QUORUM))
        consumer = Link()
        await consumer.open(amqp)
        await consumer.consume(name, PREFETCH)
        consumers.append(consumer)
    counts = [0] * queues
    tasks = [asyncio.create_task(_consume(consumer, counts, place)) for place, consumer in enumerate(consumers)]
    tasks += [asyncio.create_task(_publish(publisher, names)) for _ in range(AT_ONCE)]
    await asyncio.sleep(seconds / 4)
    before = sum(counts)
    await asyncio.sleep(seconds)
    rate = (sum(counts) - before) / seconds
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    for name in names:
        await publisher.ask(commands.Queue.Delete(queue=name))
    for link in (publisher, *consumers):
        await link.close()
    return rate


async def _publish(link: Link, names: list[str]) -> None:
    turn = 0
    while True:
        outgoing = [Outgoing("", names[(turn + n) % len(names)], str(n), "", BODY) for n in range(WINDOW)]
        turn += WINDOW
        await asyncio.shield(link.publish(outgoing))


async def _consume(link: Link, counts: list[int], place: int) -> None:
    while True:
        link.news.clear()
        if link.arrived:
            counts[place] += len(link.arrived)
            link.ack(link.arrived[-1].tag)
            link.arrived.clear()
        await link.news.wait()
