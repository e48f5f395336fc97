"""The schema's versions: dbmate's files, by the version that their names begin with."""

from importlib.resources import files
from pathlib import Path

import asyncpg

from saga.database import Pool, transaction
from saga.errors import CannotStart

RUNTIME_TABLE = "saga_migrations"
SERVICE_TABLE = "schema_migrations"


def folder(package: str) -> Path:
    """Where a package keeps its migrations."""
    return Path(str(files(package).joinpath("migrations")))


def latest(package: str) -> str:
    """The version of the newest migration, as dbmate records it."""
    return max(file.name.partition("_")[0] for file in folder(package).glob("*.sql"))


async def expect_current(pool: Pool, package: str) -> None:
    """Return if the runtime's and the service's migrations have been applied. Raises CannotStart."""
    remedy = "run 'saga provision'"
    async with transaction(pool) as tx:
        for table, wanted in ((RUNTIME_TABLE, latest("saga")), (SERVICE_TABLE, latest(package))):
            try:
                found = await tx.fetchval(f"SELECT max(version) FROM {table}")  # noqa: S608 — one of two constants
            except (asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError):
                raise CannotStart("the database has not been provisioned", remedy) from None
            if found is None or found < wanted:
                raise CannotStart(f"the database is at version {found} of {table}, not {wanted}", remedy)
