"""One service at a time, in this process, on a broker and a database of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import asyncpg
import pytest

from infra.local.servers import Servers
from saga import Performers
from saga.provisioning import DatabaseServer, Deployment
from saga.testing import Stage, running
from tests.component.toy.handlers import Question, ToySettings, router, toy
from tests.conftest import on_stage


@dataclass
class Outside:
    """The toy's outside world: remembers under which keys it was asked, and fails as it is told."""

    asked: list[tuple[str, UUID]] = field(default_factory=list)
    failures: int = 0
    silent: bool = False

    async def answer(self, question: Question, key: UUID) -> str:
        self.asked.append((question.saga_id, key))
        while self.silent:  # noqa: ASYNC110 — a test says when
            await asyncio.sleep(0.05)
        if self.failures:
            self.failures -= 1
            raise TimeoutError("no answer in time")
        return "answered"

    @asynccontextmanager
    async def open(self, _: ToySettings) -> AsyncIterator[Performers]:
        yield {Question: self.answer}


@dataclass
class Toy:
    """The toy service's surroundings, for tests that start and stop it themselves."""

    deployment: Deployment
    stage: Stage
    outside: Outside

    def running(self, **overrides: object) -> AbstractAsyncContextManager[str]:
        return running(self.deployment, toy, ToySettings, router, self.outside.open, **overrides)

    async def marks(self, saga_id: UUID) -> list[str]:
        rows = await self.fetch("SELECT what FROM mark WHERE saga_id = $1 ORDER BY made_at", str(saga_id))
        return [row["what"] for row in rows]

    @property
    def database(self) -> str:
        """Its URL, for the administrator."""
        return DatabaseServer(self.deployment.administrator.postgres).url_of(f"{self.deployment.prefix}toy")

    async def fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Ask the toy's database, as its administrator."""
        connection = await asyncpg.connect(self.database)
        try:
            return await connection.fetch(query, *arguments)
        finally:
            await connection.close()


@pytest.fixture(scope="module")
async def toys(servers: Servers) -> AsyncIterator[Toy]:
    """The toy's surroundings; it isn't running."""
    async with on_stage(servers, [toy]) as (deployment, stage):
        yield Toy(deployment, stage, Outside())


@pytest.fixture
def new_id() -> UUID:
    return uuid4()
