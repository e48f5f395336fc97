"""Each service may do its own and nothing else, at the broker and at the database."""

import asyncpg
import pytest
from aio_pika import Message, connect
from aiormq.exceptions import ChannelAccessRefused

from saga.topology import PUBLISHER
from tests.saga.shop import Shop

SERVICES = ("order", "inventory", "payment", "shipping")


@pytest.mark.parametrize(
    ("user", "exchange"),
    [
        ("inventory", "orders"),
        ("inventory", "payment"),
        ("inventory", "payment.retry"),
        ("inventory", ""),
        ("shipping", "inventory"),
        (PUBLISHER, "inventory"),
        (PUBLISHER, "order.retry"),
        (PUBLISHER, ""),
    ],
)
async def test_nobody_publishes_where_another_speaks(shop: Shop, user: str, exchange: str) -> None:
    """Not to another's exchange, and not to the default one, which leads into every queue."""
    async with await connect(shop.deployment.amqp_url(user)) as connection:
        channel = await connection.channel(publisher_confirms=True)
        target = await channel.get_exchange(exchange, ensure=False) if exchange else channel.default_exchange
        with pytest.raises(ChannelAccessRefused):
            await target.publish(Message(b"{}"), "payment", mandatory=False, timeout=5)


@pytest.mark.parametrize(("user", "queue"), [("inventory", "payment"), (PUBLISHER, "inventory"), ("order", "unrouted")])
async def test_nobody_reads_what_another_hears(shop: Shop, user: str, queue: str) -> None:
    async with await connect(shop.deployment.amqp_url(user)) as connection:
        channel = await connection.channel()
        with pytest.raises(ChannelAccessRefused):
            await (await channel.get_queue(queue, ensure=False)).get(timeout=5)


async def test_no_service_declares_or_deletes_anything(shop: Shop) -> None:
    async with await connect(shop.deployment.amqp_url("inventory")) as connection:
        with pytest.raises(ChannelAccessRefused):
            await (await connection.channel()).declare_queue("mine")
        with pytest.raises(ChannelAccessRefused):
            await (await connection.channel()).queue_delete("inventory")


@pytest.mark.parametrize("service", SERVICES)
async def test_no_service_connects_to_anothers_database(shop: Shop, service: str) -> None:
    for other in set(SERVICES) - {service}:
        mine, theirs = shop.deployment.prefix + service, shop.deployment.prefix + other
        url = shop.deployment.database_url(service)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(url.removesuffix(mine) + theirs)


async def test_no_service_changes_its_own_schema(shop: Shop) -> None:
    connection = await asyncpg.connect(shop.deployment.database_url("inventory"))
    try:
        for statement in ("CREATE TABLE mine ()", "DROP TABLE stock", "UPDATE saga_migrations SET version = '0'"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()
