"""Damage done to one order behind the services' backs is named with that order and the law, and nothing else is."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from aio_pika import Message

from events import OrderCancelled, OrderPlaced
from infra.local.servers import Servers
from infra.local.system import SERVICES, services
from saga.audit import Breach, Verdict, watch
from saga.audit.archive import open_archive
from saga.audit.broker import Broker
from saga.audit.report import Counts
from saga.errors import DatabaseAway
from saga.provisioning import DatabaseServer, Management
from saga.testing import eventually
from tests.conftest import administrators, on_stage
from tests.order_saga import ORDER_SAGA
from tests.saga.shop import Shop, aside, order_for
from tests.saga.test_command_line import saga

AT_ONCE = timedelta(0)
ENDED = "every saga has ended"
RESERVED = "what is reserved is what open reservations hold"

Named = set[tuple[str | None, str]]
"""Order and law."""


@dataclass
class Ruins:
    """A shop at rest, and orders of it that are still whole: each test ruins its own."""

    shop: Shop
    fulfilled: list[UUID]
    cancelled: list[UUID]
    told: dict[str, str]
    known: set[Breach] = field(default_factory=set)

    async def ask(self, service: str, query: str, *arguments: object) -> None:
        await self.shop.ask(service, query, *arguments)

    async def newly_broken(self) -> list[Breach]:
        """What no test before this one has broken."""
        found = (await self.shop.audit(settled=True, patience=AT_ONCE)).breaches
        new = [breach for breach in found if breach not in self.known]
        self.known.update(new)
        return new

    async def named(self) -> Named:
        return {(breach.saga, breach.law) for breach in await self.newly_broken()}


@pytest.fixture(scope="module")
async def ruins(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ruins]:
    async with (
        on_stage(servers, SERVICES) as (deployment, stage),
        aside(services(deployment, tmp_path_factory.mktemp("ruins"))) as processes,
    ):
        shop = Shop.open(deployment, processes, stage)
        orders = [order_for() for _ in range(16)]
        await asyncio.gather(*map(shop.publish, orders))
        await asyncio.gather(*(shop.eventually(order.order_id, "fulfilled") for order in orders))
        fulfilled, cancelled = orders[:10], orders[10:]
        await asyncio.gather(*(shop.publish(OrderCancelled(order_id=order.order_id)) for order in cancelled))
        await shop.settled()
        management = Management(servers.management, deployment.administrator.vhost)
        broker = Broker(management, SERVICES, deployment.administrator.statistics_interval)
        assert await broker.caught_up(60) == []  # its figures come late
        told = administrators(servers, deployment.administrator.vhost, deployment.prefix)
        yield Ruins(shop, ids(fulfilled), ids(cancelled), told)
        await shop.http.aclose()


def ids(orders: list[OrderPlaced]) -> list[UUID]:
    return [order.order_id for order in orders]


async def test_a_shop_at_rest_holds_every_law(ruins: Ruins) -> None:
    """All books agree on all orders, and each order has been looked at, whatever the size of a page."""
    for page in (1, 3, 16, 10_000):
        report = await ruins.shop.audit(settled=True, page=page)
        assert (report.verdict, report.sagas) == (Verdict.HOLDS, 16), str(report)
        assert {finding.sagas for finding in report.findings} == {16, None}


async def test_a_second_charge_is_named(ruins: Ruins) -> None:
    order = ruins.fulfilled.pop()
    await charge(ruins, order)
    found = await ruins.newly_broken()
    assert {(breach.saga, breach.law) for breach in found} == {(str(order), "money"), (str(order), "charges")}
    assert "order 9980 EUR, ledger 9980 EUR, gateway 19960 EUR" in [breach.detail for breach in found]


async def test_a_second_charge_that_was_paid_back_is_named(ruins: Ruins) -> None:
    """The money is right again, and yet it moved twice."""
    order = ruins.fulfilled.pop()
    await pay_back(ruins, await charge(ruins, order))
    assert await ruins.named() == {(str(order), "charges")}


async def test_a_charge_for_an_order_that_nobody_knows_is_named(ruins: Ruins) -> None:
    order = uuid4()
    await charge(ruins, order)
    assert await ruins.named() == {(str(order), "money"), (str(order), "charges")}


async def test_a_charge_for_nothing_is_named(ruins: Ruins) -> None:
    """No order can be, but the charge."""
    made = await charge(ruins, None)
    found = await ruins.newly_broken()
    assert [(breach.saga, breach.law) for breach in found] == [(None, "every charge names its order")]
    assert made in found[0].detail


async def test_a_missing_refund_is_named(ruins: Ruins) -> None:
    order = ruins.cancelled.pop()
    await ruins.ask(
        "payment",
        "DELETE FROM gateway.refund USING gateway.charge WHERE refund.charge_id = charge.charge_id AND reference = $1",
        order,
    )
    found = await ruins.newly_broken()
    assert found == [Breach("money", "order 0, ledger 0, gateway 9980 EUR", str(order))]


async def test_a_lost_release_is_named(ruins: Ruins) -> None:
    """The order is undone, and inventory holds its pieces still."""
    order = ruins.cancelled.pop()
    await ruins.ask("inventory", "UPDATE reservation SET status = 'reserved' WHERE order_id = $1", order)
    await ruins.ask(
        "inventory", "UPDATE stock SET reserved = reserved + 2 WHERE (sku, warehouse) = ('CHAIR', 'berlin')"
    )
    assert await ruins.named() == {(str(order), book) for book in ("outcome", "pieces", "parcels")}


async def test_a_wrong_stock_count_is_named_by_its_place(ruins: Ruins) -> None:
    await ruins.ask(
        "inventory", "UPDATE stock SET reserved = reserved + 1 WHERE (sku, warehouse) = ('DESK', 'leipzig')"
    )
    assert await ruins.newly_broken() == [Breach(RESERVED, "DESK in leipzig: 1 reserved, 0 held by orders")]


async def test_an_extra_booking_is_named(ruins: Ruins) -> None:
    order = ruins.fulfilled.pop()
    await ruins.ask(
        "shipping",
        "INSERT INTO carrier.booking (idempotency_key, tracking, reference) VALUES ($1, 'SIM-EXTRA', $2)",
        uuid4(),
        order,
    )
    found = await ruins.newly_broken()
    assert found == [Breach("parcels", "inventory 1, shipping 1, carrier 2", str(order))]


async def test_missing_pieces_are_named(ruins: Ruins) -> None:
    order = ruins.fulfilled.pop()
    await ruins.ask("inventory", "UPDATE reservation_line SET quantity = 1 WHERE order_id = $1", order)
    await ruins.ask(
        "inventory", "UPDATE stock SET reserved = reserved - 1 WHERE (sku, warehouse) = ('CHAIR', 'berlin')"
    )
    assert await ruins.newly_broken() == [Breach("pieces", "inventory 1, order 2", str(order))]


async def test_an_order_that_never_ended_is_named_when_all_should_have(ruins: Ruins) -> None:
    """On a live system it is counted among those on their way, as the oldest."""
    order = ruins.cancelled.pop()
    await ruins.ask(
        "order",
        "UPDATE customer_order SET status = 'undoing', seen_at = now() - interval '1 day' WHERE order_id = $1",
        order,
    )
    assert await ruins.newly_broken() == [Breach(ENDED, "order can't tell yet", str(order))]
    report = await ruins.shop.audit(since=timedelta(days=2), patience=AT_ONCE)
    assert (report.unfinished.sagas, report.unfinished.oldest) == (1, str(order))
    assert str(order) not in {breach.saga for breach in report.breaches}


async def test_dead_letters_are_told_and_are_a_breach_if_asked(ruins: Ruins) -> None:
    await ruins.shop.stage.say_raw("orders", "order.placed.v1", Message(b"one chair, please"))

    async def told() -> Counts:
        report = await ruins.shop.audit(settled=True, patience=AT_ONCE)
        assert report.parked == {"messages in order.dead": 1, "messages in inventory.dead": 1}
        broken = {breach.law for breach in report.breaches}
        assert "nothing is on its way" not in broken  # each queue has its own figures
        return report.parked

    await eventually(told)
    assert await ruins.newly_broken() == []
    report = await ruins.shop.audit(settled=True, nothing_parked=True, patience=AT_ONCE)
    assert Breach("nothing has parked", "1 messages in inventory.dead") in report.breaches


async def test_only_what_has_changed_is_looked_at_if_asked(ruins: Ruins) -> None:
    """At the gateway as well as at home; and nothing that is older than the horizon."""
    for service, tables in {
        "order": ["customer_order"],
        "inventory": ["reservation"],
        "payment": ["payment", "gateway.charge"],
        "shipping": ["shipment", "carrier.booking"],
    }.items():
        for table in tables:
            await ruins.ask(service, f"UPDATE {table} SET changed_at = now() - interval '1 hour'")
    assert (await ruins.shop.audit(since=timedelta(minutes=30))).sagas == 0
    order = ruins.fulfilled.pop()
    await ruins.ask("payment", "UPDATE gateway.charge SET changed_at = now() WHERE reference = $1", order)
    assert (await ruins.shop.audit(since=timedelta(minutes=30))).sagas == 1
    await ruins.ask(
        "payment", "UPDATE gateway.charge SET made_at = now() - interval '31 days' WHERE reference = $1", order
    )
    assert (await ruins.shop.audit(since=timedelta(minutes=30))).sagas == 0
    assert (await ruins.shop.audit(since=timedelta(minutes=30), horizon=None)).sagas == 1


async def test_a_watch_finds_what_breaks_and_does_not_forget_it(ruins: Ruins) -> None:
    """Also when nothing of the order changes any more."""
    order = ruins.fulfilled.pop()
    rounds = watch(
        ruins.shop.deployment.services,
        ruins.shop.deployment.administrator,
        every=timedelta(seconds=1),
        prefix=ruins.shop.deployment.prefix,
        since=timedelta(minutes=30),
        patience=AT_ONCE,
    )
    first = await anext(rounds)
    await ruins.ask(
        "shipping", "UPDATE carrier.booking SET cancelled = true, changed_at = now() WHERE reference = $1", order
    )
    second = await anext(rounds)
    await ruins.ask("shipping", "UPDATE carrier.booking SET changed_at = now() - interval '1 hour'")
    third = await anext(rounds)
    await rounds.aclose()
    assert [{b.law for b in report.breaches if b.saga == str(order)} for report in (first, second, third)] == [
        set(),
        {"parcels"},
        {"parcels"},
    ]


async def test_what_may_still_be_on_its_way_is_a_doubt_and_no_breach(ruins: Ruins) -> None:
    """While inventory is away and its queue holds a message, nobody can tell; when it is back, it is told."""
    order = ruins.fulfilled.pop()
    await ruins.ask("inventory", "UPDATE reservation_line SET quantity = 1 WHERE order_id = $1", order)
    ruins.shop.services.stop("inventory")
    try:
        await ruins.shop.publish(order_for())
        report = await ruins.shop.audit(patience=AT_ONCE)
    finally:
        ruins.shop.services.start("inventory")
    doubts = {(doubt.saga, doubt.breach.law): doubt.why for doubt in report.doubts}
    assert doubts[str(order), "pieces"] == "inventory is not empty"
    assert str(order) not in {breach.saga for breach in report.breaches}
    ruins.shop.services.wait("inventory")
    report = await ruins.shop.audit()
    assert (str(order), "pieces") in {(breach.saga, breach.law) for breach in report.breaches}


async def test_the_command_line_names_what_is_broken(ruins: Ruins) -> None:
    """With exit code 1."""
    order = ruins.fulfilled.pop()
    await charge(ruins, order)
    said = await saga(ruins.told, "audit", "--settled", "--since", "30m")
    assert (said.returncode, said.stderr) == (1, "")
    assert f"✗ {order}: charges: ledger 1, gateway 2" in said.stdout.splitlines()


async def test_the_command_line_says_when_it_cannot_judge(ruins: Ruins) -> None:
    """With exit code 2, and in one line."""
    said = await saga(ruins.told | {"SAGA_ADMIN_POSTGRES_URL": "postgresql://nobody:x@127.0.0.1:1/postgres"}, "audit")
    assert (said.returncode, said.stderr.count("\n")) == (2, 1)
    assert "can't be reached" in said.stderr


async def test_an_audit_can_write_nothing(ruins: Ruins) -> None:
    """Even as the administrator, even by a mistake: the server refuses."""
    deployment = ruins.shop.deployment
    url = DatabaseServer(deployment.administrator.postgres).url_of(f"{deployment.prefix}order")
    async with open_archive(ORDER_SAGA[0], url) as archive:
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await archive.connection.execute("DELETE FROM customer_order")
        with pytest.raises(DatabaseAway, match="read-only transaction"):
            async with archive.snapshot():
                await archive.connection.execute("DELETE FROM customer_order")


async def test_a_live_shop_breaks_no_law(shop: Shop) -> None:
    """200 orders, of which every other is cancelled at some moment, are audited while they move, and while the order
    service is away: then the others are ahead of it, which looks like damage and is none.
    """
    loading = asyncio.create_task(load(shop, 200))
    await asyncio.sleep(1)
    reports = [await shop.audit(patience=AT_ONCE)]
    await asyncio.to_thread(shop.services.stop, "order")

    async def order_is_behind() -> bool:
        return await shop.stage.waiting("order") >= 4  # the four events of one order at least

    try:
        await shop.publish(order_for())
        await eventually(order_is_behind)
        reports.append(await shop.audit(patience=AT_ONCE))
    finally:
        shop.services.start("order")
    await asyncio.to_thread(shop.services.wait, "order")
    while not loading.done():
        reports.append(await shop.audit(patience=AT_ONCE))
    await loading
    assert [breach for report in reports for breach in report.breaches] == []
    why = " ".join(doubt.why for doubt in reports[1].doubts)
    assert any(cause in why for cause in ("order is not empty", "it is still moving", "an event of it to publish"))
    await shop.settled()
    assert await shop.unbalanced() == []


async def load(shop: Shop, orders: int) -> None:
    dice = random.Random(7)

    async def live_through(number: int) -> None:
        await asyncio.sleep(number / 20)
        order = order_for(country=dice.choice(["GB", "GB", "AQ"]))
        await shop.publish(order)
        if number % 2:
            await asyncio.sleep(dice.uniform(0, 3))
            await shop.publish(OrderCancelled(order_id=order.order_id))

    await asyncio.gather(*map(live_through, range(orders)))


async def charge(ruins: Ruins, order: UUID | None) -> str:
    """What the gateway calls the charge."""
    made = f"ch_{uuid4().hex}"
    await ruins.ask(
        "payment",
        """INSERT INTO gateway.charge (idempotency_key, charge_id, amount, currency, reference)
           VALUES (gen_random_uuid(), $1, 9980, 'EUR', $2)""",
        made,
        order,
    )
    return made


async def pay_back(ruins: Ruins, made: str) -> None:
    await ruins.ask(
        "payment",
        """INSERT INTO gateway.refund (idempotency_key, charge_id, amount)
           SELECT gen_random_uuid(), charge_id, amount FROM gateway.charge WHERE charge_id = $1""",
        made,
    )
