"""A database that can go back: one transaction that is never committed, in which every other one is a savepoint."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg


class Single:
    """In the place of a pool: one connection for everybody, one after the other."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._depth = 0

    async def acquire(self, *, timeout: float | None = None) -> Any:  # noqa: ARG002, ASYNC109 - as a pool has it
        return self._connection

    async def release(self, connection: Any, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 - see above
        """It is taken again and again."""

    async def expire_connections(self) -> None:
        """There is no other one."""

    async def fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        async with self._connection.transaction():
            found: list[asyncpg.Record] = await self._connection.fetch(query, *arguments)
            return found

    async def fetchrow(self, query: str, *arguments: object) -> asyncpg.Record | None:
        return next(iter(await self.fetch(query, *arguments)), None)

    async def fetchval(self, query: str, *arguments: object) -> Any:
        row = await self.fetchrow(query, *arguments)
        return row[0] if row else None

    async def execute(self, query: str, *arguments: object) -> str:
        async with self._connection.transaction():
            return str(await self._connection.execute(query, *arguments))

    @asynccontextmanager
    async def going_back(self) -> AsyncIterator[None]:
        """Whatever is done in the block has not been done after it."""
        self._depth += 1
        name = f"scene_{self._depth}"
        await self._connection.execute(f"SAVEPOINT {name}")
        try:
            yield
        finally:
            await self._connection.execute(f"ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}")
            self._depth -= 1


@asynccontextmanager
async def single(url: str) -> AsyncIterator[Single]:
    connection = await asyncpg.connect(url, server_settings={"application_name": "saga explore"})
    try:
        transaction = connection.transaction()
        await transaction.start()
        yield Single(connection)
        await transaction.rollback()
    finally:
        await connection.close()
