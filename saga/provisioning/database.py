"""The database's side: a database and a role per service, migrations by dbmate, and rights on rows only."""

import asyncio
import os
import sys
from functools import partial
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from saga.errors import ProvisioningFailed
from saga.migrations import RUNTIME_TABLE, SERVICE_TABLE, folder, latest
from saga.provisioning.change import Change
from saga.provisioning.scram import verifier
from saga.service import Service


class DatabaseServer:
    """A PostgreSQL server, seen by its administrator. `url` has a superuser's credentials.

    Raises ProvisioningFailed when it doesn't answer or refuses.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._address = f"{urlsplit(url).hostname}:{urlsplit(url).port or 5432}"

    async def changes(self, service: Service, name: str, password: str) -> list[Change]:
        """What is missing for a service whose database and role are both called `name`."""
        roles = await self.fetch("SELECT rolname FROM pg_roles")
        databases = await self.fetch("SELECT datname FROM pg_database")
        role = "set password of" if name in roles else "create"
        return [
            Change(role, "role", name, partial(self._put_role, name, password, exists=name in roles)),
            *([] if name in databases else [Change("create", "database", name, partial(self._create_database, name))]),
            *await self._pending(service, name, exists=name in databases),
            Change("grant", "rights in database", name, partial(self._grant, name)),
        ]

    def url_of(self, database: str, user: str | None = None, password: str | None = None) -> str:
        """The same server with another database, and with other credentials if they are given."""
        parts = urlsplit(self._url)
        server = parts.netloc.rpartition("@")[2]
        netloc = f"{quote(user, safe='')}:{quote(password or '', safe='')}@{server}" if user else parts.netloc
        return urlunsplit((parts.scheme, netloc, f"/{database}", parts.query, ""))

    async def drop(self, name: str) -> None:
        """Drop the database and the role of this name, and end whoever is still connected."""
        await self.execute(f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")
        await self.execute(f"DROP ROLE IF EXISTS {_quoted(name)}")

    async def copy(self, name: str, template: str) -> None:
        """Make a database as a copy of another one to which nobody is connected."""
        await self.execute(f"CREATE DATABASE {_quoted(name)} TEMPLATE {_quoted(template)}")

    async def _pending(self, service: Service, name: str, *, exists: bool) -> list[Change]:
        changes = []
        for package, table in (("saga", RUNTIME_TABLE), (service.package, SERVICE_TABLE)):
            applied = await self._version(name, table) if exists else None
            if applied is None or applied < latest(package):
                action = f"migrate to {latest(package)}"
                changes.append(
                    Change(action, f"{package} in", name, partial(self.dbmate, "migrate", name, package, table))
                )
        return changes

    async def _version(self, database: str, table: str) -> str | None:
        if await self.fetch(f"SELECT to_regclass('public.{table}')::text", database) == [None]:
            return None
        return (await self.fetch(f"SELECT max(version) FROM public.{table}", database))[0]

    async def _put_role(self, name: str, password: str, *, exists: bool) -> None:
        verb = "ALTER" if exists else "CREATE"
        rights = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
        await self.execute(f"{verb} ROLE {_quoted(name)} {rights} PASSWORD '{verifier(password)}'")

    async def _create_database(self, name: str) -> None:
        """Whatever else the server is set up for: every text can be stored, and sorts everywhere in the same order."""
        await self.execute(f"CREATE DATABASE {_quoted(name)} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'")

    async def _grant(self, name: str) -> None:
        """Rows may be read and written, the schema never changed; other services' roles can't even connect."""
        role = _quoted(name)
        await self.execute(f"REVOKE ALL ON DATABASE {role} FROM PUBLIC; GRANT CONNECT ON DATABASE {role} TO {role}")
        await self.execute(_NOT_FOR_EVERYBODY, name)
        own = "SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'"
        for schema in map(_quoted, filter(None, await self.fetch(own, name))):
            await self.execute(
                f"GRANT USAGE ON SCHEMA {schema} TO {role};"
                f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role};"
                f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role};"
                f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {role}",
                name,
            )
        await self.execute(
            f"REVOKE INSERT, UPDATE, DELETE ON public.{RUNTIME_TABLE}, public.{SERVICE_TABLE} FROM {role}", name
        )

    async def dbmate(self, command: str, database: str, package: str, table: str) -> None:
        """Run dbmate, which is given its URL in the environment, where no process list shows it."""
        url = self.url_of(database)
        url += "" if "sslmode=" in url else ("&" if "?" in url else "?") + "sslmode=disable"
        options = ("--env", "SAGA_DBMATE_URL", "--migrations-dir", str(folder(package)), "--migrations-table", table)
        process = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("dbmate")),
            *options,
            "--no-dump-schema",
            command,
            env={**os.environ, "SAGA_DBMATE_URL": url},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        if process.returncode:
            told = output.decode(errors="replace").replace(url, "its URL").strip()  # it repeats one that it can't parse
            raise ProvisioningFailed(f"dbmate {command} of {package} in {database}: {told}")

    async def fetch(self, query: str, database: str | None = None, *arguments: object) -> list[str | None]:
        """The first column of what the administrator asks."""
        connection = await self._connect(database)
        try:
            return [row[0] for row in await connection.fetch(query, *arguments)]
        finally:
            await connection.close()

    async def execute(self, statements: str, database: str | None = None) -> None:
        """Run statements as the administrator."""
        connection = await self._connect(database)
        try:
            await connection.execute(statements)
        except asyncpg.PostgresError as error:
            raise ProvisioningFailed(f"the database at {self._address} refuses: {error}") from error
        finally:
            await connection.close()

    async def _connect(self, database: str | None) -> "asyncpg.Connection[asyncpg.Record]":
        try:
            return await asyncpg.connect(self.url_of(database) if database else self._url, timeout=10)
        except (OSError, asyncpg.PostgresError) as error:
            raise ProvisioningFailed(f"the database at {self._address} can't be reached ({error})") from error


_NOT_FOR_EVERYBODY = """
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
    REVOKE EXECUTE ON FUNCTION lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea) FROM PUBLIC
"""
"""What PostgreSQL, or a server upgraded from before 15, gives to everybody: tables of one's own, and large objects."""


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
