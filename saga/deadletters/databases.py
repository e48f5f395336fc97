"""A service's database, seen by an administrator who does there what the service may do, and no more."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from saga.database import Pool, open_pool
from saga.errors import DatabaseAway
from saga.provisioning import DatabaseServer
from saga.service import Service


class Rooms(Protocol):
    """Where the services keep what is theirs."""

    def of(self, service: Service) -> AbstractAsyncContextManager[Pool]: ...


@dataclass(frozen=True, slots=True)
class Own:
    """A service's own connections, for the letters of that service."""

    pool: Pool

    @asynccontextmanager
    async def of(self, _: Service) -> AsyncIterator[Pool]:
        yield self.pool


@dataclass(frozen=True, slots=True)
class Databases:
    """The services' databases on one server. `url` has an administrator's credentials.

    Databases and roles are called `prefix` + the service's name, as they were provisioned.
    """

    url: str
    prefix: str = ""
    application: str = "saga dead"

    @asynccontextmanager
    async def of(self, service: Service) -> AsyncIterator[Pool]:
        """Connections that have the service's own rights. Raises DatabaseAway when there is none to be had."""
        name = self.prefix + service.name
        parts = urlsplit(DatabaseServer(self.url).url_of(name))
        query = "&".join(filter(None, [parts.query, f"role={quote(name)}"]))
        try:
            pool = await open_pool(urlunsplit(parts._replace(query=query)), size=2, application=self.application)
        except (OSError, asyncpg.PostgresError) as error:
            raise DatabaseAway(f"the database of {service.name} can't be reached ({error})") from error
        try:
            yield pool
        finally:
            await pool.close()
