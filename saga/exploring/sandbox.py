"""Databases to explore in, which nobody else uses: made once, and emptied for each schedule."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from saga.exploring.member import sql
from saga.exploring.scenario import Scenario
from saga.migrations import RUNTIME_TABLE, SERVICE_TABLE
from saga.provisioning import DatabaseServer
from saga.service import Service


@dataclass(frozen=True)
class Box:
    """A service's database, as a superuser sees it, and the statements that empty it."""

    url: str
    emptying: str


Sandbox = Mapping[str, Box]
"""By the service's name."""


@asynccontextmanager
async def sandbox(scenario: Scenario, postgres: str) -> AsyncIterator[Sandbox]:
    """For this scenario, and for others with the same tables. Nothing is left of it afterwards.

    `postgres` is a server, with a superuser's credentials.
    """
    server, prefix = DatabaseServer(postgres), f"explore_{secrets.token_hex(4)}_"
    services = scenario.takes_part()
    async with AsyncExitStack() as stack:
        for service in services:
            stack.push_async_callback(server.drop, prefix + service.name)
        await asyncio.gather(*(_provision(server, service, prefix + service.name) for service in services))
        yield {service.name: await _box(server, prefix + service.name) for service in services}


async def _provision(server: DatabaseServer, service: Service, name: str) -> None:
    for change in await server.changes(service, name, secrets.token_hex(16)):
        await change.apply()


async def _box(server: DatabaseServer, name: str) -> Box:
    """All rows go but those of migrations, whatever refers to whatever."""
    tables = await server.fetch(sql.tables, name, [RUNTIME_TABLE, SERVICE_TABLE])
    deletes = "; ".join(f"DELETE FROM {table}" for table in tables)  # noqa: S608 - of our own names
    emptying = f"SET session_replication_role = replica; {deletes}; SET session_replication_role = origin"
    return Box(server.url_of(name), emptying)
