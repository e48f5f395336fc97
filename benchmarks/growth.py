"""The past: orders that have ended long ago, and whose rows are still there."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg

from benchmarks.ours import Shop, provisioned
from infra.local.servers import Servers
from saga import queries

sql = queries(__file__, "growth.sql")

PATIENCE = 3600.0


@asynccontextmanager
async def aged_shops(servers: Servers, run: Path) -> AsyncIterator[Callable[[int], Awaitable[Shop]]]:
    """Who gives a shop with so many orders behind it: filled when it is first asked for, which takes minutes, and kept
    until the end of the block, so that every round can measure all of them one after the other.
    """
    aged: dict[int, Shop] = {}
    async with AsyncExitStack() as stack:

        async def shop(orders: int) -> Shop:
            if orders not in aged:
                young = await stack.enter_async_context(provisioned(servers, run))
                if orders:
                    await seed(young.stopped.databases, orders)
                aged[orders] = young
            return aged[orders]

        yield shop


async def tidy(databases: Mapping[str, str]) -> None:
    """Do what the server would do by itself, and what whoever is measured next would seem to cost."""
    for url in databases.values():
        connection = await asyncpg.connect(url, command_timeout=PATIENCE)
        try:
            await connection.execute("VACUUM (ANALYZE)")
            await connection.execute("CHECKPOINT")
        finally:
            await connection.close()


async def seed(databases: Mapping[str, str], orders: int) -> None:
    """Fill the databases, by service, with what so many orders have left behind in 90 days."""
    for service, url in databases.items():
        connection = await asyncpg.connect(url, command_timeout=PATIENCE)
        try:
            await connection.execute("SET synchronous_commit = off; SET session_replication_role = replica")
            await connection.execute(sql.make_days)
            await connection.execute(sql.make_old)
            await connection.execute(getattr(sql, service), orders)
        finally:
            await connection.close()
    await tidy(databases)
