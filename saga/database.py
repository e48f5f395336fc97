"""The service's own database: connections, transactions, and telling a lost server from a failed statement."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import aiosql
import asyncpg
from asyncpg.pool import PoolConnectionProxy

from saga.errors import DatabaseAway

if TYPE_CHECKING:
    Tx: TypeAlias = PoolConnectionProxy[asyncpg.Record]
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
else:
    Tx = PoolConnectionProxy
    Pool = asyncpg.Pool


class Queries:
    """The statements of a `.sql` file, as texts by their names; their parameters are `$1`, `$2`, …"""

    def __init__(self, file: Path) -> None:
        loaded = aiosql.from_path(file, "asyncpg", mandatory_parameters=False)
        names = [name for name in loaded.available_queries if not name.endswith("_cursor")]
        self._texts: dict[str, str] = {name: getattr(loaded, name).sql for name in names}

    def __getattr__(self, name: str) -> str:
        try:
            return self._texts[name]
        except KeyError:
            raise AttributeError(name) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)


def queries(beside: str, name: str = "queries.sql") -> Queries:
    """The statements of a file beside a module."""
    return Queries(Path(beside).with_name(name))


sql = queries(__file__)

CONFLICTS = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError)
"""Another transaction was in the way: doing it again is all it takes."""

AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,  # too many connections, disk full, out of memory
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.ReadOnlySQLTransactionError,  # a standby that is being promoted
)


async def open_pool(url: str, *, size: int, application: str) -> Pool:
    """Connections whose transactions wait for nobody for ever.

    A concurrent duplicate waits for the first one's commit, so `lock_timeout` bounds that wait.
    """
    return await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=size,
        timeout=_CONNECTING,
        command_timeout=_STATEMENT + _ANSWER,
        reset=_leave_as_it_is,
        server_settings={
            "application_name": application,
            "lock_timeout": "5s",
            "statement_timeout": f"{_STATEMENT}s",
            "idle_in_transaction_session_timeout": "60s",
        },
    )


_CONNECTING = 10
"""Seconds after which a server that lets nobody in is away, or all connections are taken."""
_STATEMENT = 10
"""Seconds after which the server itself ends a statement."""
_ANSWER = 5
"""Seconds more, after which a server that should have answered is away, or the connection to it half open."""


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Tx]:
    """All or nothing. Raises DatabaseAway when the server is gone; then it isn't known whether it was all."""
    try:
        async with asyncio.timeout(_CONNECTING):  # the pool's own would make a task of it, each time
            connection = await pool.acquire()
    except (asyncpg.PostgresError, OSError) as error:
        raise DatabaseAway(f"the database does not answer ({str(error) or type(error).__name__})") from error
    try:
        async with _all_or_nothing(connection):
            yield connection
    except AWAY as error:
        raise DatabaseAway(str(error)) from error
    except Exception as error:
        if _is_lost(connection):
            await pool.expire_connections()  # the others may be as lost, and not know it
            raise DatabaseAway(f"the database connection was lost ({error})") from error
        raise
    finally:
        await _give_back(pool, connection)


class _NeverKept(Exception):
    """Ends a transaction, so that nothing of it is kept."""


@asynccontextmanager
async def rolled_back(pool: Pool) -> AsyncIterator[Tx]:
    """A transaction of which nothing is kept."""
    with contextlib.suppress(_NeverKept):
        async with transaction(pool) as tx:
            yield tx
            raise _NeverKept


@asynccontextmanager
async def _all_or_nothing(connection: Tx) -> AsyncIterator[None]:
    """A transaction whose rollback also finds out whether the server still answers: what failed may be its silence."""
    transaction = connection.transaction()
    await _answered(connection, transaction.start())
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await _answered(connection, transaction.rollback())
        raise
    await _answered(connection, transaction.commit())


async def _answered(connection: Tx, asked: Coroutine[Any, Any, None]) -> None:
    """Who doesn't answer even this is gone, or the connection is half open: it is thrown away."""
    try:
        async with asyncio.timeout(_ANSWER):
            await asked
    except OSError:
        connection.terminate()
        raise


def _is_lost(connection: Tx) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:  # the pool has thrown it away already
        return True


async def _give_back(pool: Pool, connection: Tx) -> None:
    """A connection that doesn't even answer that is thrown away, by the pool itself."""
    try:
        await pool.release(connection, timeout=5)
    except (asyncpg.InterfaceError, OSError) as error:
        raise DatabaseAway(f"the database no longer answers ({str(error) or type(error).__name__})") from error


async def _leave_as_it_is(_: object) -> None:
    """Nothing here outlives its transaction, so there is nothing to reset between two of them."""


async def reach(pool: Pool) -> None:
    """Return if the database answers. Raises DatabaseAway."""
    async with transaction(pool) as tx:
        await tx.execute("SELECT 1")
