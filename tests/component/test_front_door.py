"""The order service alone: what it makes of what it hears, and of the time that goes by."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import asyncpg
import httpx
import pytest

from events import OrderCancelled
from infra.local.servers import Servers
from order_service import store
from order_service.api import router
from order_service.handlers import order
from order_service.settings import OrderSettings
from saga.provisioning import Deployment
from saga.testing import Stage, at_door, enveloped, eventually, running
from tests.builders import line, order_placed, shipment_dispatched
from tests.conftest import on_stage

LATE = "deadline_exceeded"


@dataclass
class FrontDoor:
    deployment: Deployment
    stage: Stage
    database: "asyncpg.Connection[asyncpg.Record]"

    @asynccontextmanager
    async def running(self, fulfil_within: str, **told: object) -> AsyncIterator[httpx.AsyncClient]:
        opened = running(self.deployment, order, OrderSettings, router, None, fulfil_within=fulfil_within, **told)
        async with opened as url, at_door(self.deployment, url) as http:
            yield http

    async def status(self, order_id: UUID) -> str | None:
        query = "SELECT status FROM customer_order WHERE order_id = $1"
        status: str | None = await self.database.fetchval(query, order_id)
        return status


@pytest.fixture(scope="module")
async def door(servers: Servers) -> AsyncIterator[FrontDoor]:
    async with on_stage(servers, [order]) as (deployment, stage):
        database = await asyncpg.connect(deployment.database_url("order"))
        yield FrontDoor(deployment, stage, database)
        await database.close()


async def test_an_order_says_itself_how_long_it_may_take(door: FrontDoor) -> None:
    """Else the service's setting counts. Whoever may take an hour is not cancelled with those that may take 300 ms."""
    patient, usual, late = order_placed(fulfil_within=3600), order_placed(), order_placed(fulfil_within=1)
    async with door.running(fulfil_within="300ms"):
        await door.stage.say(patient, usual)
        assert (await door.stage.hears(OrderCancelled, usual.order_id)).reason == LATE
        assert await door.status(patient.order_id) == "placed"
    async with door.running(fulfil_within="1d"):
        await door.stage.say(late)
        assert (await door.stage.hears(OrderCancelled, late.order_id)).reason == LATE
        assert await door.status(patient.order_id) == "placed"
    assert door.stage.types_of(patient.order_id) == ["order.placed.v1"]


async def test_the_time_counts_from_when_anything_is_heard_of_an_order(door: FrontDoor, new_id: UUID) -> None:
    """Facts may come in any order. Senders' clocks don't matter."""
    async with door.running(fulfil_within="1d"):
        await door.database.execute(
            "INSERT INTO customer_order (order_id, status, seen_at) VALUES ($1, 'placed', now() - interval '1 hour')",
            new_id,
        )
        await door.stage.say(order_placed(order_id=new_id, fulfil_within=3500))
        assert (await door.stage.hears(OrderCancelled, new_id)).reason == LATE


async def test_nothing_is_late_while_it_is_restored_from_a_backup(door: FrontDoor, new_id: UUID) -> None:
    """What became of the order since then is still to be told again: it may be fulfilled, and would be undone."""
    await _insert_late(door, new_id)
    other = order_placed()
    async with door.running(fulfil_within="1d", restored=True) as http:
        await door.stage.say(other)
        await eventually(partial(door.status, other.order_id))
        await asyncio.sleep(2.5)  # an alarm of one second would have rung
        assert (await http.get(f"/orders/{new_id}")).json()["status"] == "placed"
    async with door.running(fulfil_within="1d"):
        assert (await door.stage.hears(OrderCancelled, new_id)).reason == LATE


async def test_a_cancelled_order_is_being_undone_at_once(door: FrontDoor) -> None:
    """Whoever cancels sees it, and the deadline has nothing more to cancel."""
    placed = order_placed(fulfil_within=1)
    async with door.running(fulfil_within="1d") as http:
        await http.post("/orders", json=placed.model_dump(mode="json"))
        await http.post(f"/orders/{placed.order_id}/cancel", json={"reason": "changed my mind"})
        known = (await http.get(f"/orders/{placed.order_id}")).json()
        assert (known["status"], known["reason"]) == ("undoing", "changed my mind")
        late = order_placed(fulfil_within=1)
        await door.stage.say(late)
        await door.stage.hears(OrderCancelled, late.order_id)
    assert door.stage.types_of(placed.order_id).count("order.cancelled.v1") == 1


async def test_an_order_that_has_left_is_not_shown_as_being_undone(door: FrontDoor, new_id: UUID) -> None:
    """Its cancellation will be refused."""
    async with door.running(fulfil_within="1d") as http:
        await door.stage.say(shipment_dispatched(order_id=new_id))
        await eventually(partial(door.status, new_id))
        await http.post(f"/orders/{new_id}/cancel")
        assert await door.status(new_id) == "fulfilled"


@pytest.mark.parametrize("identities", [("same", "same"), ("one", "other")])
async def test_of_orders_with_one_id_the_first_counts(door: FrontDoor, new_id: UUID, identities: Sequence[str]) -> None:
    """Also where they are handled together: whoever was handed them one by one went by the first."""
    for pieces, identity in zip((2, 5), identities, strict=True):
        placed = order_placed(order_id=new_id, lines=(line(quantity=pieces, unit_price=100),))
        await door.stage.say(enveloped(placed, identity=f"{identity} {new_id}"))
    async with door.running(fulfil_within="1d") as http:
        await eventually(partial(door.status, new_id))
        known = (await http.get(f"/orders/{new_id}")).json()
    assert (known["amount"], [told["quantity"] for told in known["lines"]]) == (200, [2])


async def test_another_deadline_makes_another_order(door: FrontDoor) -> None:
    placed = order_placed(fulfil_within=60)
    async with door.running(fulfil_within="1d") as http:
        answers = [
            (await http.post("/orders", json=told.model_dump(mode="json"))).status_code
            for told in (placed, placed, placed.model_copy(update={"fulfil_within": 61}))
        ]
    assert answers == [202, 202, 409]


async def test_whoever_cancels_at_the_door_goes_first(door: FrontDoor, new_id: UUID) -> None:
    """The alarm holds the order and wants its fence, the door holds the fence and wants the order.

    The alarm gives way before the database, after a second, takes it for a deadlock and perhaps ends the other one.
    """
    async with door.running(fulfil_within="1d"), door.database.transaction():
        await door.database.execute("SET LOCAL lock_timeout = '700ms'")
        await door.database.execute(
            "INSERT INTO saga.fence (saga_id, step, state) VALUES ($1, 'cancel_order', 'done')", str(new_id)
        )
        await _insert_late(door, new_id)
        await eventually(partial(_waits_for_us, door))
        await door.database.execute("SELECT FROM customer_order WHERE order_id = $1 FOR UPDATE", new_id)


async def test_a_status_in_which_no_order_is_any_more_is_told_as_0(door: FrontDoor) -> None:
    """Else its alarm would go on for ever."""
    order.unfinished, told = "SELECT status, count(*) AS sagas, 7.0 AS age FROM customer_order GROUP BY status", []
    try:
        await door.database.execute("DELETE FROM customer_order")
        await door.database.execute(
            "INSERT INTO customer_order (order_id, status) VALUES (gen_random_uuid(), 'undoing')"
        )
        async with door.running(fulfil_within="1d") as http:
            for _ in range(2):
                lines = (await http.get("/metrics")).text.splitlines()
                told.append([line.split()[1] for line in lines if "unfinished" in line and 'status="undoing"' in line])
                await door.database.execute("DELETE FROM customer_order")
    finally:
        order.unfinished = store.sql.unfinished
    assert told == [["1.0", "7.0"], ["0.0", "0.0"]]


async def test_orders_that_are_not_finished_are_told_with_their_age(door: FrontDoor) -> None:
    """For alarms: how many wait for somebody, and for how long."""
    await door.database.execute("DELETE FROM customer_order")
    await door.database.execute(
        """INSERT INTO customer_order (order_id, status, seen_at)
           SELECT gen_random_uuid(), status, now() - interval '1 hour' FROM unnest($1::text[]) AS status""",
        ["placed", "undoing", "undoing", "fulfilled", "cancelled"],
    )
    async with door.running(fulfil_within="1d") as http:
        told = dict(
            line.split() for line in (await http.get("/metrics")).text.splitlines() if "unfinished" in line[:20]
        )
    assert float(told['saga_unfinished_sagas{service="order",status="placed"}']) == 1
    assert float(told['saga_unfinished_sagas{service="order",status="undoing"}']) == 2
    assert 3600 <= float(told['saga_unfinished_age_seconds{service="order",status="undoing"}']) < 3660


async def _insert_late(door: FrontDoor, order_id: UUID) -> None:
    other = await asyncpg.connect(door.deployment.database_url("order"))
    await other.execute(
        "INSERT INTO customer_order (order_id, status, fulfil_by) VALUES ($1, 'placed', now())", order_id
    )
    await other.close()


async def _waits_for_us(door: FrontDoor) -> bool:
    return bool(
        await door.database.fetchval(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid)))"
        )
    )
