"""Ways to do the saga: what each promises, and how its processes are started."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlsplit, urlunsplit

import aio_pika
import httpx

from benchmarks.limit import __main__ as limit
from infra.local.process import Child, Children
from infra.local.servers import Servers
from infra.local.system import SERVICES, administrator, services
from saga.provisioning import DatabaseServer, Deployment, Management

EXCHANGES = ("orders", "inventory", "payment", "shipping")
SCHEMA = Path(__file__).with_name("shop.sql")
AT_ONCE = {"PAYMENT_GATEWAY_LATENCY": "0s", "SHIPPING_CARRIER_LATENCY": "0s"}
"""The outside world answers at once: what is measured is not how long it takes."""


@dataclass(frozen=True)
class Running:
    """A contender that is ready: where orders are published, and its processes, by name."""

    amqp: str
    pids: Mapping[str, int]


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


@asynccontextmanager
async def _ours(servers: Servers, run: Path) -> AsyncIterator[Running]:
    name = f"b{token_hex(4)}"
    deployment = Deployment.new(SERVICES, administrator(servers, name), servers.amqp, f"{name}_")
    await deployment.provision()
    await Management(servers.management, name).permit(urlsplit(servers.amqp).username or "", ".*", ".*", ".*")
    try:
        with services(deployment, run, AT_ONCE) as processes:
            yield Running(_in_vhost(servers.amqp, name), {each: processes.pid(each) for each in processes.ports})
    finally:
        await deployment.remove()


def _by_hand(module: str) -> Callable[[Servers, Path], AbstractAsyncContextManager[Running]]:
    @asynccontextmanager
    async def start(servers: Servers, run: Path) -> AsyncIterator[Running]:
        name = f"b{token_hex(4)}"
        management, database = Management(servers.management, name), DatabaseServer(servers.postgres)
        async with httpx.AsyncClient() as http:
            (await http.put(f"{servers.management}/api/vhosts/{name}")).raise_for_status()
        await management.permit(urlsplit(servers.amqp).username or "", ".*", ".*", ".*")
        amqp = _in_vhost(servers.amqp, name)
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
            yield Running(amqp, {service: child.pid() for service, child in started.items()})

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


def _in_vhost(amqp_url: str, vhost: str) -> str:
    return urlunsplit(urlsplit(amqp_url)._replace(path=f"/{vhost}"))


CONTENDERS = (
    Contender("ours", "the real services, everything on", _ours),
    Contender(
        "textbook",
        "a transaction and an awaited publish for each message; a polled outbox",
        _by_hand("benchmarks.textbook"),
    ),
    Contender("limit", "hand-written batches, nothing else", _by_hand("benchmarks.limit")),
)
