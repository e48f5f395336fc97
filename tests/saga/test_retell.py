"""What a backup doesn't have, and what a lost broker had, is said again: no order is lost, and nobody pays twice."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from events import OrderPlaced
from infra.local.servers import Servers
from infra.local.system import SERVICES, services
from saga.provisioning import DatabaseServer, Management
from saga.testing import Stage, eventually
from tests.conftest import administrators, deployed, in_vhost
from tests.saga.conftest import FAULTS
from tests.saga.shop import Shop, aside, order_data, order_for
from tests.saga.test_command_line import saga

pytestmark = pytest.mark.timeout(300)

T = TypeVar("T")

ROWS = {"order": "customer_order", "inventory": "reservation", "payment": "payment", "shipping": "shipment"}


@dataclass
class Wreck:
    """A shop of one's own, that something is going to happen to."""

    shop: Shop
    told: dict[str, str]
    servers: Servers
    ends: dict[UUID, tuple[str, str | None]] = field(default_factory=dict)

    async def place(self, status: str, reason: str | None = None, order: OrderPlaced | None = None) -> UUID:
        """An order at the front door, and how it is to end."""
        placed = order or order_for()
        (await self.shop.post("order", "/orders", order_data(placed))).raise_for_status()
        self.ends[placed.order_id] = (status, reason)
        return placed.order_id

    async def place_all_kinds(self) -> None:
        """One that is fulfilled, one that is dispatched, and three that are undone."""
        await self.place("fulfilled")
        await self.place("rejected", "card_declined", order_for(payment_method="pm_card_chargeDeclined"))
        await self.place("rejected", "destination_not_served", order_for(country="AQ"))
        left, lost = await self.place("fulfilled"), await self.place("fulfilled")
        await self.all_end()
        (await self.shop.post("shipping", f"/shipments/{left}/dispatch")).raise_for_status()
        await self.cancel(lost)
        await self.all_end()

    async def cancel(self, order: UUID) -> None:
        (await self.shop.post("order", f"/orders/{order}/cancel")).raise_for_status()
        self.ends[order] = ("cancelled", "cancelled")

    async def all_end(self) -> None:
        for order, (status, reason) in self.ends.items():
            await self.shop.eventually(order, status, reason, within=40)

    async def at_rest(self) -> None:
        """As it was to be, and all books agree."""
        await self.all_end()
        await self.shop.settled()
        assert await self.shop.unbalanced() == []

    async def retell(self, since: datetime, *words: str) -> str:
        ended = await saga(self.told, "retell", "--since", since.isoformat(), *words)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    async def rows(self, service: str, table: str) -> list[str]:
        """All rows of a table, as JSON."""
        found = await self.shop.ask(service, f"SELECT to_jsonb(t)::text AS row FROM {table} AS t ORDER BY 1")
        return [row["row"] for row in found]

    async def everything(self) -> dict[str, list[str]]:
        """What all services know, and have kept of what they said."""
        tables = [(service, table) for service in ROWS for table in (ROWS[service], "saga.fence", "saga.said")]
        tables += [("payment", "gateway.charge"), ("payment", "gateway.refund"), ("shipping", "carrier.booking")]
        return {f"{service} {table}": await self.rows(service, table) for service, table in tables}


@pytest.fixture(scope="module")
async def wreck(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Wreck]:
    async with deployed(servers, SERVICES) as deployment:
        vhost = in_vhost(servers.amqp, deployment.administrator.vhost)
        told = administrators(servers, deployment.administrator.vhost, deployment.prefix)
        async with aside(services(deployment, tmp_path_factory.mktemp("wreck"), FAULTS)) as processes:
            shop = Shop.open(deployment, processes, Stage(vhost))
            yield Wreck(shop, told, servers)
            await shop.http.aclose()


async def test_who_has_heard_it_all_skips_what_is_said_again(wreck: Wreck) -> None:
    """Nothing changes, neither in the services nor outside, and the archives stay as they were."""
    began = datetime.now(UTC) - timedelta(hours=1)
    await wreck.place_all_kinds()
    await wreck.at_rest()
    known = await wreck.everything()
    events = sum(len(known[f"{service} saga.said"]) for service in ROWS)
    foretold = await wreck.retell(began, "--dry-run")
    assert foretold.endswith(f"{events} events would be said again\n")
    assert await wreck.everything() == known
    said = await wreck.retell(began)
    assert said.endswith(f"{events} events go out again, as their services run\n")
    await wreck.shop.settled()
    await eventually(lambda: _is(wreck.everything(), known))
    assert "nothing was said" in await wreck.retell(datetime.now(UTC))


async def test_a_service_whose_database_is_restored_from_a_backup_catches_up(wreck: Wreck) -> None:
    """Payment knows nothing of the last hour, in which it charged cards. Some of these orders were cancelled while it
    was away: their money goes back, though it doesn't know of their charges when it hears of it.
    """
    shop, before = wreck.shop, await wreck.place("fulfilled")
    await wreck.at_rest()
    backup = await _back_up(wreck, "payment")
    try:
        since = datetime.now(UTC)
        await wreck.place_all_kinds()
        waiting, late = await wreck.place("fulfilled"), await wreck.place("fulfilled")
        await wreck.at_rest()
        shop.services.stop("payment")
        await wreck.cancel(before)
        await wreck.cancel(waiting)
        await eventually(lambda: _is(shop.stage.waiting("payment"), 2))
        charges, refunds = await _charges(wreck), await wreck.rows("payment", "gateway.refund")
        outside = {book: await wreck.rows("payment", book) for book in ("gateway.charge", "gateway.refund")}
        await _restore(wreck, "payment", backup)
        await _remains(wreck, outside)
    finally:
        await DatabaseServer(wreck.servers.postgres).execute(f'DROP DATABASE "{backup}"')

    await _start(wreck, "payment", PAYMENT_RESTORED="true")
    await wreck.cancel(late)
    await wreck.retell(since)
    await eventually(lambda: _caught_up(wreck), within=40)
    shop.services.stop("payment")
    await _start(wreck, "payment")

    await wreck.at_rest()
    assert await _charges(wreck) == charges
    assert len(await wreck.rows("payment", "gateway.refund")) == len(refunds) + 3


async def test_what_a_lost_broker_held_is_said_again(wreck: Wreck) -> None:
    """With all its queues, in which orders waited for two services that were away, and a cancellation."""
    shop, began = wreck.shop, datetime.now(UTC)
    await wreck.place_all_kinds()
    lost = await wreck.place("fulfilled")
    await wreck.at_rest()
    shop.services.stop("payment")
    shop.services.stop("shipping")
    for _ in range(3):
        await wreck.place("fulfilled")
    await wreck.cancel(lost)
    await eventually(lambda: _is(shop.stage.waiting("payment"), 3))
    await eventually(lambda: _is(shop.stage.waiting("shipping"), 1))
    shop.services.stop("inventory")
    shop.services.stop("order")
    await _lose_the_broker(wreck)
    await _start(wreck, *ROWS)
    await wreck.retell(began)
    await wreck.at_rest()


async def _start(wreck: Wreck, *names: str, **told: str) -> None:
    wreck.shop.services.overrides = FAULTS | told
    for name in names:
        wreck.shop.services.start(name)
    await asyncio.to_thread(wreck.shop.services.wait, *names)


async def _back_up(wreck: Wreck, service: str) -> str:
    """The copy's name. A database is copied while nobody is connected."""
    name = wreck.shop.deployment.prefix + service
    wreck.shop.services.stop(service)
    await DatabaseServer(wreck.servers.postgres).copy(f"{name}_backup", name)
    await _start(wreck, service)
    return f"{name}_backup"


async def _restore(wreck: Wreck, service: str, backup: str) -> None:
    server, name = DatabaseServer(wreck.servers.postgres), wreck.shop.deployment.prefix + service
    await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await server.copy(name, backup)
    await wreck.shop.deployment.provision()


async def _remains(wreck: Wreck, outside: dict[str, list[str]]) -> None:
    """Of the outside world there is no backup: its books are as they were last."""
    await wreck.shop.ask("payment", f"TRUNCATE {', '.join(outside)}")
    for book, rows in outside.items():
        row = f"(jsonb_populate_record(NULL::{book}, row::jsonb)).*"
        await wreck.shop.ask("payment", f"INSERT INTO {book} SELECT {row} FROM unnest($1::text[]) AS row", rows)


async def _charges(wreck: Wreck) -> list[tuple[Any, ...]]:
    query = "SELECT idempotency_key, charge_id, reference, amount, declined FROM gateway.charge ORDER BY charge_id"
    return [tuple(row) for row in await wreck.shop.ask("payment", query)]


async def _caught_up(wreck: Wreck) -> bool:
    """Payment has an answer for every order that there is; all of them had stock."""
    query = "SELECT count(*) AS answered FROM payment WHERE status <> 'pending'"
    return bool((await wreck.shop.ask("payment", query))[0]["answered"] == len(wreck.ends))


async def _lose_the_broker(wreck: Wreck) -> None:
    """And provision another."""
    deployment, user = wreck.shop.deployment, urlsplit(wreck.servers.amqp).username or ""
    broker = Management(wreck.servers.management, deployment.administrator.vhost)
    await broker.delete_vhost()
    await deployment.provision()
    await broker.permit(user, ".*", ".*", ".*")


async def _is(told: Awaitable[T], expected: T) -> bool:
    return await told == expected
