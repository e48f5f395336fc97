"""A service's database, as an audit sees it: to be read, and nothing else."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from saga.audit.comparing import Kept, Opened
from saga.audit.report import Breach, Counts
from saga.database import queries
from saga.errors import DatabaseAway
from saga.laws import Book, Law
from saga.service import Service

sql = queries(__file__)

MOST = 10_000
"""What is kept in memory of anything that is wrong: nobody reads more, and an audit must not grow with the damage."""

_STATEMENT = 300
"""Seconds a statement may take: totals are over everything."""


@dataclass(frozen=True, slots=True)
class Span:
    """The sagas that are looked at: those that were opened, and have changed, since these times."""

    opened: datetime
    changed: datetime


@dataclass(frozen=True, slots=True)
class Archive:
    """Raises DatabaseAway when the database doesn't answer, or isn't as the service declares it."""

    service: Service
    connection: "asyncpg.Connection[asyncpg.Record]"

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[None]:
        """What is read in the block is of one moment. Keep it short: a snapshot holds up the sweeping of dead rows."""
        with self._trouble():
            async with self.connection.transaction(isolation="repeatable_read", readonly=True):
                yield

    @property
    def books(self) -> list[Book]:
        return [rule for rule in self._rules if isinstance(rule, Book)]

    @property
    def laws(self) -> list[Law]:
        return [rule for rule in self._rules if isinstance(rule, Law)]

    @property
    def _rules(self) -> tuple[Book | Law, ...]:
        return self.service.laws.rules if self.service.laws else ()

    async def sagas(self, span: Span, after: str | None, size: int) -> Opened:
        """The next page of sagas, in the order of their ids, and since when they are known."""
        if self.service.laws is None:
            return {}
        rows = await self._read(self.service.laws.sagas, span.opened, span.changed, after, size)
        return {row["saga_id"]: row["opened_at"] for row in rows}

    async def entries(self, sagas: Sequence[str]) -> list[Kept]:
        """What all its books say of these sagas."""
        return [Kept(book, await self._pairs(book.entries, sagas)) for book in self.books]

    async def waiting(self, sagas: Sequence[str]) -> Mapping[str, str]:
        """What of these sagas is still to be published or called."""
        found = await self._pairs(sql.on_their_way, sagas)
        return {saga: f"{self.service.name} has {what}" for saga, what in found.items()}

    async def traces(self, sagas: Sequence[str]) -> Mapping[str, str]:
        """Which steps of these sagas were entered."""
        return await self._pairs(sql.traces, sagas)

    async def backlog(self) -> Counts:
        """What is still to be published or called, of all sagas."""
        (row,) = await self._read(sql.backlog)
        counts = {"events to publish": row["events"], "calls open": row["calls"]}
        return {f"{what} in {self.service.name}": count for what, count in counts.items() if count}

    async def breaches(self) -> dict[str, list[Breach]]:
        """Of each law that is to hold within this database."""
        return {law.name: await self._breaches(law) for law in self.laws}

    async def _breaches(self, law: Law) -> list[Breach]:
        async with self.snapshot():
            rows = await (await self.connection.cursor(law.breaches)).fetch(MOST)
        return [Breach(law.name, row["detail"], row["saga_id"]) for row in rows]

    async def _pairs(self, query: str, sagas: Sequence[str]) -> dict[str, str]:
        return {row[0]: row[1] for row in await self._read(query, sagas)}

    async def _read(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        with self._trouble():
            return await self.connection.fetch(query, *arguments)

    @contextmanager
    def _trouble(self) -> Iterator[None]:
        try:
            yield
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            cause = str(error) or type(error).__name__
            raise DatabaseAway(f"{self.service.name}'s database can't be read ({cause})") from error


@asynccontextmanager
async def open_archive(service: Service, url: str) -> AsyncIterator[Archive]:
    """A connection on which the server refuses every write. `url` is that of whoever may read all tables."""
    try:
        connection = await asyncpg.connect(
            url,
            timeout=10,
            command_timeout=_STATEMENT + 5,
            server_settings={
                "application_name": "saga audit",
                "default_transaction_read_only": "on",
                "statement_timeout": f"{_STATEMENT}s",
                "plan_cache_mode": "force_custom_plan",  # the first page and the last want different plans
                "jit": "off",
            },
        )
    except (asyncpg.PostgresError, OSError) as error:
        raise DatabaseAway(f"{service.name}'s database can't be reached ({error})") from error
    try:
        yield Archive(service, connection)
    finally:
        connection.terminate()
