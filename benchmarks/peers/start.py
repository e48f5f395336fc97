"""How a peer's processes are started: in a vhost and a database of their own, by the Python that has the libraries."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlsplit, urlunsplit

import aio_pika
import httpx
from aio_pika.exceptions import ChannelNotFoundEntity

from benchmarks.contender import EXCHANGES, SCHEMA
from benchmarks.peers.front import QUEUE
from benchmarks.running import Running
from infra.local.process import Child, Children
from infra.local.servers import Servers
from saga.provisioning import DatabaseServer, Management

CHECKOUT = Path(__file__).parents[2]
PYTHON = CHECKOUT / ".venv-peers" / "bin" / "python"
START_SECONDS = 60

Start = Callable[[Servers, Path], AbstractAsyncContextManager[Running]]


def peer(module: str, roles: Sequence[str], queues: Sequence[str] = (QUEUE,), *, prepare: bool = False) -> Start:
    """A process for each role, started again when it ends; ready when somebody consumes from each of the queues.

    `prepare` is a role before all others.
    """

    @asynccontextmanager
    async def start(servers: Servers, run: Path) -> AsyncIterator[Running]:
        name = f"b{token_hex(4)}"
        amqp = urlunsplit(urlsplit(servers.amqp)._replace(path=f"/{name}"))
        management, database = Management(servers.management, name), DatabaseServer(servers.postgres)
        env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
        async with AsyncExitStack() as stack:
            async with httpx.AsyncClient() as http:
                (await http.put(f"{servers.management}/api/vhosts/{name}")).raise_for_status()
            stack.push_async_callback(management.delete_vhost)
            await management.permit(urlsplit(servers.amqp).username or "", ".*", ".*", ".*")
            await _declare(amqp, fronted=QUEUE in queues)
            await database.execute(f'CREATE DATABASE "{name}"')
            stack.push_async_callback(database.drop, name)
            await database.execute(SCHEMA.read_text(), name)
            children = stack.enter_context(Children())
            command = [str(PYTHON), "-m", f"benchmarks.peers.{module}"]
            told = [amqp, database.url_of(name)]
            if prepare:
                first = await asyncio.create_subprocess_exec(*command, "prepare", *told, env=env)
                if await first.wait():
                    raise RuntimeError(module)
            started: dict[str, Child] = {}
            for role in roles:
                started[role] = children.start(children.home(run, role), [*command, role, *told], env=env)
            await _consumed(amqp, queues, started)
            for child in started.values():
                child.endure()
            pids = {role: child.pid() for role, child in started.items()}
            yield Running(amqp, pids, {"shop": database.url_of(name)})

    return start


async def _declare(amqp: str, *, fronted: bool) -> None:
    async with await aio_pika.connect(amqp) as connection:
        channel = await connection.channel()
        exchanges = {
            name: await channel.declare_exchange(name, aio_pika.ExchangeType.TOPIC, durable=True) for name in EXCHANGES
        }
        if fronted:
            queue = await channel.declare_queue(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
            await queue.bind(exchanges["orders"], "order.placed.v1")


async def _consumed(amqp: str, queues: Sequence[str], started: dict[str, Child]) -> None:
    async with await aio_pika.connect(amqp) as connection, asyncio.timeout(START_SECONDS):
        for name in queues:
            while not await _consumers(connection, name):
                for role, child in started.items():
                    if child.ended():
                        raise RuntimeError(role, child.last_words().decode())
                await asyncio.sleep(0.2)


async def _consumers(connection: aio_pika.abc.AbstractConnection, name: str) -> int:
    with suppress(ChannelNotFoundEntity):
        async with connection.channel() as channel:
            queue = await channel.declare_queue(name, passive=True)
            return queue.declaration_result.consumer_count or 0
    return 0
