"""`python -m tests.fault.poison`: what one bad message in a hundred costs all the others.

The same orders as a backlog, three ways: alone; with messages that nobody can read; with orders at which inventory's
handler raises, each time, whatever batch they are in.
"""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit
from uuid import UUID

from aio_pika import DeliveryMode, Message

from events import CONTENT_TYPE, OrderPlaced
from infra.local.process import Children
from infra.local.servers import local_servers
from infra.local.system import SERVICES, Services, administrator
from saga import Service
from saga.provisioning import DatabaseServer, Deployment, Management
from saga.publisher import Outgoing, Publisher
from saga.testing import enveloped, eventually
from tests.builders import order_placed
from tests.fault.puppet import CHOKES

ORDERS = 3000
EVERY = 100
RUNS = 6


async def drained_per_second(deployment: Deployment, services: Services, amqp: str, bad: str) -> float:
    """Orders brought to their end in a second, of a backlog that is complete before anybody begins."""
    for name in ("order", "inventory", "payment", "shipping"):
        await asyncio.to_thread(services.stop, name)
    good = [order_placed() for _ in range(ORDERS)]
    publisher = Publisher(amqp, "poison")
    messages = [_message(order) for order in good]
    for place in range(0, ORDERS, EVERY):
        if bad == "unreadable":
            messages.insert(
                place, Message(b"{", delivery_mode=DeliveryMode.PERSISTENT, message_id=f"bad-{time.time_ns()}")
            )
        elif bad == "choking":
            messages.insert(place, _message(order_placed(customer_id=CHOKES)))
    for begin in range(0, len(messages), 200):
        window = await publisher.publish(
            [Outgoing(message, "orders", OrderPlaced.event_type) for message in messages[begin : begin + 200]]
        )
        assert len(window.confirmed) == len(messages[begin : begin + 200])
    await publisher.close()
    for name in ("order", "inventory", "payment", "shipping"):
        services.start(name)
    await asyncio.to_thread(services.wait, "order", "inventory", "payment", "shipping")
    began = time.perf_counter()
    ids = [order.order_id for order in good]
    database = DatabaseServer(deployment.administrator.postgres)
    at_start = await _fulfilled(database, ids)

    async def all_done() -> bool:
        await asyncio.sleep(0.1)
        return await _fulfilled(database, ids) == ORDERS

    await eventually(all_done, within=120)
    return (ORDERS - at_start) / (time.perf_counter() - began)


async def _fulfilled(database: DatabaseServer, ids: list[UUID]) -> int:
    query = "SELECT count(*)::text FROM customer_order WHERE order_id = ANY ($1::uuid[]) AND status = 'fulfilled'"
    return int((await database.fetch(query, "order", ids))[0] or 0)


def _message(order: OrderPlaced) -> Message:
    envelope = enveloped(order)
    return Message(
        envelope.encode(),
        content_type=CONTENT_TYPE,
        message_id=envelope.id,
        type=envelope.type,
        delivery_mode=DeliveryMode.PERSISTENT,
    )


async def measure(run: Path) -> dict[str, list[float]]:
    """Orders a second, run by run, the three ways in turn."""
    figures: dict[str, list[float]] = {"alone": [], "unreadable": [], "choking": []}
    with local_servers(run, say=lambda _: None) as servers, Children() as children:
        deployment = Deployment.new(SERVICES, administrator(servers), servers.amqp)
        await deployment.provision()
        await Management(servers.management).permit(urlsplit(servers.amqp).username or "", ".*", ".*", ".*")

        def choking(service: Service) -> list[str]:
            return [sys.executable, "-m", "tests.fault.puppet", service.package, "--choke"]

        services = Services(deployment, children, run, command=choking)
        for name in services.ports:
            services.start(name)
        await asyncio.to_thread(services.wait, *services.ports)
        await drained_per_second(deployment, services, servers.amqp, "alone")  # warms up
        for run_number in range(RUNS):
            ways = list(figures)
            for bad in ways if run_number % 2 else reversed(ways):  # the machine may get slower or faster meanwhile
                figures[bad].append(await drained_per_second(deployment, services, servers.amqp, bad))
                print(f"{bad:<12}{figures[bad][-1]:8.1f} orders/s", flush=True)
    return figures


def main() -> None:
    os.environ.setdefault("SAGA_LOCAL", "binaries")
    with tempfile.TemporaryDirectory(prefix="saga-poison-") as folder:
        figures = asyncio.run(measure(Path(folder)))
    alone = median(figures["alone"])
    for bad, measured in figures.items():
        print(f"{bad:<12}{median(measured):8.1f} orders/s, {100 * (1 - median(measured) / alone):5.1f} % less")


if __name__ == "__main__":
    main()
