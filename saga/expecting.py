"""Whether the queues that a service needs are there."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from aio_pika.abc import AbstractConnection

from saga.broker import Names, connect, open_channel, short, translated
from saga.errors import CannotStart


async def expect_provisioned(amqp_url: str, names: Names, tiers: Sequence[timedelta]) -> None:
    """Return if a service's queue is there, and those for what fails. Raises CannotStart, or BrokerAway."""
    connection = await connect(amqp_url, f"{names.service} check")
    try:
        await _expect(connection, names.queue, "run 'saga provision'")
        for queue in (*map(names.tier, tiers), names.dead):
            told = ",".join(map(short, tiers))
            await _expect(connection, queue, f"run 'saga provision' with SAGA_RETRY_TIERS={told}")
    finally:
        await _quietly(connection.close())


async def _expect(connection: AbstractConnection, queue: str, remedy: str) -> None:
    try:
        async with translated():
            await (await open_channel(connection)).declare_queue(queue, passive=True)
    except CannotStart as error:
        raise CannotStart(error.problem, remedy) from error


async def _quietly(closing: object) -> None:
    try:
        async with asyncio.timeout(2):
            await closing  # type: ignore[misc] # an awaitable of whatever the client library returns
    except (OSError, RuntimeError):
        return
