"""Provisioning makes what is missing, tells it before, and changes nothing when all is there."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlsplit

import aio_pika
import asyncpg
import pytest

from infra.local.servers import Servers
from infra.local.system import EVERYBODY, SERVICES, administrator
from inventory_service.handlers import inventory
from order_service.handlers import order
from saga.migrations import folder
from saga.provisioning import DatabaseServer, Deployment, Management, plan
from saga.service import Service
from saga.topology import derive
from tests.conftest import administrators, deployed, in_vhost

ALWAYS = {"set password of", "grant"}
"""What is done each time, since what is there can't be read back or compared cheaply."""

USERS = (*(service.name.upper() for service in EVERYBODY), "PUBLISHER")


async def test_a_second_run_finds_nothing_to_make(servers: Servers) -> None:
    async with deployed(servers, SERVICES) as made:
        again = await plan(made.services, made.administrator, made.passwords, made.tiers, made.prefix)
        assert {change.action for change in again} <= ALWAYS
        broker = Management(made.administrator.management, made.administrator.vhost)
        assert await broker.superfluous(derive(made.services, made.tiers)) == []


async def test_what_somebody_deleted_is_made_again(servers: Servers) -> None:
    async with deployed(servers, [inventory]) as made:
        url = in_vhost(servers.amqp, made.administrator.vhost)
        await Management(servers.management, made.administrator.vhost).permit(_user(servers), ".*", ".*", ".*")
        async with await aio_pika.connect(url) as connection:
            await (await connection.channel()).queue_delete("inventory.dead")
        again = await plan(made.services, made.administrator, made.passwords, made.tiers, made.prefix)
        assert [str(change) for change in again if change.action not in ALWAYS] == [
            "create queue inventory.dead",
            "create binding inventory.retry → inventory.dead (inventory.dead)",
        ]


async def test_an_event_that_nobody_hears_is_kept(servers: Servers) -> None:
    """A routing key without a binding leads to the queue of the unrouted."""
    async with deployed(servers, [inventory]) as made:
        await Management(servers.management, made.administrator.vhost).permit(_user(servers), ".*", ".*", ".*")
        async with await aio_pika.connect(in_vhost(servers.amqp, made.administrator.vhost)) as connection:
            channel = await connection.channel()
            orders = await channel.get_exchange("orders", ensure=False)
            await orders.publish(aio_pika.Message(b"{}"), "order.misplaced.v1")
            kept = await (await channel.get_queue("unrouted", ensure=False)).get(no_ack=True)
            assert kept.routing_key == "order.misplaced.v1"


async def test_a_dry_run_tells_and_changes_nothing(servers: Servers) -> None:
    """The command line, with a vhost that doesn't exist yet."""
    vhost = f"t{token_hex(4)}"
    told = {
        **administrators(servers, vhost),
        **{f"SAGA_PASSWORD_{user}": "x" for user in USERS},
    }
    ended = await asyncio.to_thread(
        subprocess.run,
        [str(Path(sys.executable).with_name("saga")), "provision", "--dry-run"],
        env={**os.environ, "COLUMNS": "160", **told},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"would create vhost {vhost}" in ended.stdout
    assert "would create database inventory" in ended.stdout
    made = Deployment.new(SERVICES, administrator(servers, vhost), servers.amqp)
    still = await plan(made.services, made.administrator, made.passwords)
    assert f"create vhost {vhost}" in [str(change) for change in still]


@pytest.mark.parametrize("service", EVERYBODY, ids=lambda service: str(service.name))
async def test_migrations_can_be_taken_back(servers: Servers, service: Service) -> None:
    """Down and up again: what goes down is all that went up."""
    async with deployed(servers, [service]) as made:
        server = DatabaseServer(servers.postgres)
        name = made.prefix + service.name
        for package, table in ((service.package, "schema_migrations"), ("saga", "saga_migrations")):
            for _ in folder(package).glob("*.sql"):
                await server.dbmate("rollback", name, package, table)
        tables = await server.fetch(
            "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
            " WHERE relkind IN ('r', 'p') AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'",
            name,
        )
        assert sorted(str(table) for table in tables) == ["saga_migrations", "schema_migrations"]
        await made.provision()


async def test_what_an_older_version_had_still_to_publish_is_published(servers: Servers) -> None:
    """And what this one has, by an older version again."""
    async with deployed(servers, [order]) as made:
        server, name = DatabaseServer(servers.postgres), f"{made.prefix}order"
        await _back(server, name, to="20261128000000")
        await server.execute(
            """INSERT INTO saga.outbox (id, exchange, routing_key, saga_id, traceparent, body)
               VALUES (gen_random_uuid(), 'orders', 'order.placed.v1', 's', NULL, 'it')""",
            name,
        )
        before = await server.fetch("SELECT concat(id, said_at, saga_id, body) FROM saga.outbox", name)
        await made.provision()
        moved = "SELECT concat(id, said_at, saga_id, body) FROM saga.outbox JOIN saga.said USING (id, said_at)"
        assert await server.fetch(moved, name) == before
        await _back(server, name, to="20261128000000")
        assert await server.fetch("SELECT concat(id, said_at, saga_id, body) FROM saga.outbox", name) == before
        assert await server.fetch("SELECT FROM saga.said", name) == []
        await made.provision()


async def _back(server: DatabaseServer, name: str, to: str) -> None:
    """To before this version of the runtime's schema."""
    while await server.fetch(f"SELECT 1 FROM saga_migrations WHERE version >= '{to}'", name):
        await server.dbmate("rollback", name, "saga", "saga_migrations")


def _user(servers: Servers) -> str:
    return urlsplit(servers.amqp).username or ""


async def test_databases_keep_every_text_in_one_order_everywhere(servers: Servers) -> None:
    """Whatever the server makes of databases that nobody describes."""
    async with deployed(servers, [order]) as made:
        told = "SELECT pg_encoding_to_char(encoding), datcollate FROM pg_database WHERE datname = current_database()"
        connection = await asyncpg.connect(made.database_url("order"))
        assert [tuple(row) for row in await connection.fetch(told)] == [("UTF8", "C")]
        await connection.close()
