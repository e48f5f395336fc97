"""The past: orders that have ended long ago, and whose rows are still there."""

from collections.abc import Mapping

import asyncpg

from saga import queries

sql = queries(__file__, "growth.sql")

PATIENCE = 3600.0


async def seed(databases: Mapping[str, str], orders: int) -> None:
    """Fill the databases, by service, with what so many orders have left behind in 90 days."""
    for service, url in databases.items():
        connection = await asyncpg.connect(url, command_timeout=PATIENCE)
        try:
            await connection.execute("SET synchronous_commit = off; SET session_replication_role = replica")
            await connection.execute(sql.make_days)
            await connection.execute(sql.make_old)
            await connection.execute(getattr(sql, service), orders)
            await connection.execute("VACUUM (ANALYZE)")
            await connection.execute("CHECKPOINT")
        finally:
            await connection.close()
