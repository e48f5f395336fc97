"""Ways to do the saga: what each promises, and how its processes are started."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlsplit

import aio_pika
import httpx

from benchmarks.limit import __main__ as limit
from benchmarks.limit.amqp import JSON
from benchmarks.ours import in_vhost, ours
from benchmarks.running import Running
from events import CONTENT_TYPE
from infra.local.process import Child, Children
from infra.local.servers import Servers
from saga.provisioning import DatabaseServer, Management

EXCHANGES = ("orders", "inventory", "payment", "shipping")
BUSY = 2_000
SCHEMA = Path(__file__).with_name("shop.sql")


@dataclass(frozen=True)
class Guarantees:
    """What is promised of an order, a short phrase each."""

    resumes: str
    """After a SIGKILL."""
    duplicates: str
    """What may happen twice."""
    compensation: str
    """Of a step that succeeded, when a later one is refused."""
    lost: str
    """What gets lost between a commit and the publish, or the next step, that follows from it."""


@dataclass(frozen=True)
class Contender:
    """`start` runs it in a vhost and in databases of its own, which are gone afterwards."""

    name: str
    how: str
    start: Callable[[Servers, Path], AbstractAsyncContextManager[Running]]
    guarantees: Guarantees | None = None
    in_flight: int = 300
    """Orders on their way at saturation: what it is fastest with. Slow ones get slower with more."""
    content_type: str = JSON
    """Of the orders that it is sent: what its own publishers would say."""


def _by_hand(module: str) -> Callable[[Servers, Path], AbstractAsyncContextManager[Running]]:
    @asynccontextmanager
    async def start(servers: Servers, run: Path) -> AsyncIterator[Running]:
        name = f"b{token_hex(4)}"
        management, database = Management(servers.management, name), DatabaseServer(servers.postgres)
        async with httpx.AsyncClient() as http:
            (await http.put(f"{servers.management}/api/vhosts/{name}")).raise_for_status()
        await management.permit(urlsplit(servers.amqp).username or "", ".*", ".*", ".*")
        amqp = in_vhost(servers.amqp, name)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(management.delete_vhost)
            await _declare(amqp)
            for service in limit.SERVICES:
                await database.execute(f'CREATE DATABASE "{name}_{service}"')
                stack.push_async_callback(database.drop, f"{name}_{service}")
                await database.execute(SCHEMA.read_text(), f"{name}_{service}")
            children = stack.enter_context(Children())
            started: dict[str, Child] = {}
            for service in limit.SERVICES:
                command = [sys.executable, "-m", module, service, amqp, database.url_of(f"{name}_{service}")]
                env = {**os.environ, "PYTHONPATH": str(SCHEMA.parents[1])}
                started[service] = children.start(children.home(run, service), command, env=env)
            await _consumed(amqp)
            for child in started.values():
                child.endure()
            databases = {service: database.url_of(f"{name}_{service}") for service in limit.SERVICES}
            yield Running(amqp, {service: child.pid() for service, child in started.items()}, databases)

    return start


async def _declare(amqp: str) -> None:
    """Durable topic exchanges and quorum queues, as ours."""
    async with await aio_pika.connect(amqp) as connection:
        channel = await connection.channel()
        exchanges = {
            name: await channel.declare_exchange(name, aio_pika.ExchangeType.TOPIC, durable=True) for name in EXCHANGES
        }
        owners = {"order": "orders", "stock": "inventory", "payment": "payment", "shipment": "shipping"}
        for service, handlers in limit.SERVICES.items():
            queue = await channel.declare_queue(service, durable=True, arguments={"x-queue-type": "quorum"})
            for event_type in handlers:
                await queue.bind(exchanges[owners[event_type.partition(".")[0]]], event_type)


async def _consumed(amqp: str) -> None:
    """Return when every queue has a consumer."""
    async with await aio_pika.connect(amqp) as connection:
        channel = await connection.channel()
        for service in limit.SERVICES:
            while not (await channel.declare_queue(service, passive=True)).declaration_result.consumer_count:  # noqa: ASYNC110 — nobody tells
                await asyncio.sleep(0.1)


CONTENDERS = (
    Contender(
        "ours",
        "the real services, everything on",
        ours(),
        Guarantees(
            resumes="yes: redelivery, and leases of 5 and 6 s",
            duplicates="deliveries, which the inbox tells apart; a step runs once for an order",
            compensation="declared by the step that it undoes; commutes with it",
            lost="nothing: events and calls commit with the data",
        ),
        in_flight=BUSY,
        content_type=CONTENT_TYPE,
    ),
    Contender(
        "textbook",
        "a transaction and an awaited publish for each message; a polled outbox",
        _by_hand("benchmarks.textbook"),
        Guarantees(
            resumes="yes: redelivery, and the outbox",
            duplicates="deliveries, which an inbox tells apart; the gateway is asked inside the transaction",
            compensation="a handler like any other; nothing minds if it comes first",
            lost="nothing: events commit with the data; but nobody notices what no queue takes",
        ),
    ),
    Contender(
        "limit",
        "hand-written batches, nothing else",
        _by_hand("benchmarks.limit"),
        Guarantees(
            resumes="yes: redelivery, and the outbox at the next start",
            duplicates="deliveries, which an inbox tells apart; the gateway is asked inside the transaction",
            compensation="a handler like any other; nothing minds if it comes first",
            lost="nothing: events commit with the data; one bad message stops a service",
        ),
        in_flight=BUSY,
    ),
)
