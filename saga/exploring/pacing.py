"""Two transactions at once, statement by statement, as a seed has it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from random import Random
from typing import Any, TypeVar

import asyncpg

T = TypeVar("T")

LOOK_SECONDS = 0.01
"""Between looks whether a statement waits for a lock."""
STATEMENTS = frozenset({"execute", "executemany", "fetch", "fetchmany", "fetchrow", "fetchval"})


class Pace:
    """Lets one statement begin at a time, while two transactions are to cross; else all, at once."""

    def __init__(self) -> None:
        self._turns: dict[str, asyncio.Future[None]] | None = None

    async def turn(self) -> None:
        """Return when the caller may go on."""
        task = asyncio.current_task()
        if self._turns is not None and task is not None and task.get_name() in CROSSING:
            self._turns[task.get_name()] = turn = asyncio.get_running_loop().create_future()
            await turn

    async def cross(
        self, random: Random, monitor: "asyncpg.Connection[Any]", *works: Coroutine[Any, Any, T]
    ) -> list[T | BaseException]:
        """Do these, each of them a transaction, at once; whose statement comes next is chosen at random."""
        turns: dict[str, asyncio.Future[None]] = {}
        self._turns = turns
        tasks = [asyncio.create_task(work, name=name) for work, name in zip(works, CROSSING, strict=True)]
        try:
            while busy := {task.get_name() for task in tasks if not task.done()}:
                if not turns.keys() >= busy and not await self._stuck(monitor, tasks, busy - turns.keys()):
                    continue
                if turns:
                    turns.pop(random.choice(sorted(turns))).set_result(None)
        finally:
            self._turns = None
        return await asyncio.gather(*tasks, return_exceptions=True)

    async def _stuck(self, monitor: "asyncpg.Connection[Any]", tasks: list[asyncio.Task[T]], running: set[str]) -> bool:
        """Whether those that run now wait for a lock that another one holds. It takes a moment to tell."""
        await asyncio.wait([t for t in tasks if t.get_name() in running], timeout=LOOK_SECONDS)
        waiting: int = await monitor.fetchval(WAITING)
        return waiting >= len(running)


CROSSING = ("first", "second")
WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0
"""


class Paced:
    """A connection whose statements wait for their turn."""

    def __init__(self, connection: Any, pace: Pace) -> None:
        self.connection = connection
        self._pace = pace

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.connection, name)
        return self._in_turn(found) if name in STATEMENTS else found

    def _in_turn(self, statement: Any) -> Any:
        async def paced(*arguments: Any, **options: Any) -> Any:
            await self._pace.turn()
            return await statement(*arguments, **options)

        return paced


class PacedPool:
    """A pool of such connections, and one more that watches them."""

    def __init__(self, pool: "asyncpg.Pool[Any]", monitor: "asyncpg.Connection[Any]") -> None:
        self._pool = pool
        self.monitor = monitor
        self.pace = Pace()

    async def acquire(self, *, timeout: float | None = None) -> Paced:  # noqa: ASYNC109 - as a pool has it
        return Paced(await self._pool.acquire(timeout=timeout), self.pace)

    async def release(self, paced: Paced, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 - see above
        await self._pool.release(paced.connection, timeout=timeout)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)


@asynccontextmanager
async def paced(url: str) -> AsyncIterator[PacedPool]:
    told = {"application_name": "saga explore", "synchronous_commit": "off"}
    monitor = await asyncpg.connect(url)
    try:
        async with asyncpg.create_pool(url, min_size=2, max_size=4, server_settings=told) as pool:
            yield PacedPool(pool, monitor)
    finally:
        await monitor.close()
