"""Everything that a service might try in PostgreSQL: it reads and writes rows of its own database, and nothing else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from infra.local.servers import Servers
from infra.local.system import SERVICES
from saga.provisioning import DatabaseServer, Deployment
from tests.conftest import deployed

NAMES = tuple(service.name for service in SERVICES)
every_service = pytest.mark.parametrize("service", NAMES)


@pytest.fixture(scope="module")
async def deployment(servers: Servers) -> AsyncIterator[Deployment]:
    """The shop's databases, and nobody at work in them."""
    async with deployed(servers, SERVICES) as provisioned:
        yield provisioned


@asynccontextmanager
async def connected(url: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


@every_service
async def test_a_service_enters_its_own_database_and_no_other_services(deployment: Deployment, service: str) -> None:
    role, password = deployment.prefix + service, deployment.passwords[service]
    server = DatabaseServer(deployment.administrator.postgres)
    entered = set()
    for name in NAMES:
        try:
            async with connected(server.url_of(deployment.prefix + name, role, password)):
                entered.add(name)
        except asyncpg.InsufficientPrivilegeError:
            continue
    assert entered == {service}


FORBIDDEN = {
    "tables": "CREATE TABLE mine ()",
    "temporary tables": "CREATE TEMPORARY TABLE mine ()",
    "schemas": "CREATE SCHEMA mine",
    "functions": "CREATE FUNCTION mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "extensions": "CREATE EXTENSION dblink",
    "changed tables": "ALTER TABLE saga.outbox ADD mine integer",
    "dropped tables": "DROP TABLE saga.outbox",
    "emptied tables": "TRUNCATE saga.fence",
    "indexes": "CREATE INDEX ON saga.outbox (said_at)",
    "triggers": "CREATE TRIGGER mine BEFORE DELETE ON saga.outbox EXECUTE FUNCTION tsvector_update_trigger()",
    "the runtime's migrations": "UPDATE saga_migrations SET version = '0'",
    "the service's migrations": "DELETE FROM schema_migrations",
    "migrations that never were": "INSERT INTO schema_migrations VALUES ('9')",
    "roles": "CREATE ROLE mine",
    "databases": "CREATE DATABASE mine",
    "more rights": "ALTER ROLE CURRENT_USER SUPERUSER",
    "the right to make roles": "ALTER ROLE CURRENT_USER CREATEROLE",
    "another role": "SET ROLE postgres",
    "another session": "SET SESSION AUTHORIZATION postgres",
    "others' passwords": "SELECT rolpassword FROM pg_authid",
    "password hashes": "SELECT passwd FROM pg_shadow",
    "the server's files": "SELECT pg_read_file('PG_VERSION')",
    "folders": "SELECT pg_ls_dir('.')",
    "programs": "COPY (SELECT 1) TO PROGRAM 'true'",
    "files to write": "COPY (SELECT 1) TO '/tmp/mine'",
    "files to read": "COPY saga.fence FROM '/etc/passwd'",
    "large objects": "SELECT lo_create(0)",
    "large objects of the old kind": "SELECT lo_creat(-1)",
    "large objects with content": "SELECT lo_from_bytea(0, 'mine')",
    "files as large objects": "SELECT lo_import('/etc/passwd')",
    "the server's settings": "ALTER SYSTEM SET log_statement = 'none'",
    "the database's settings": "ALTER DATABASE {database} SET work_mem = '1GB'",
    "a session without a log": "SET log_statement = 'none'",
    "rows without their constraints": "SET session_replication_role = 'replica'",
    "replication": "SELECT pg_create_logical_replication_slot('mine', 'pgoutput')",
    "publications": "CREATE PUBLICATION mine",
    "the administrator's sessions": "SELECT pg_terminate_backend({administrator})",
}


@every_service
async def test_a_service_may_do_nothing_that_makes_or_reaches_more_than_rows(
    deployment: Deployment, service: str
) -> None:
    """Each is refused for want of the right, and for nothing else."""
    async with (
        connected(deployment.administrator.postgres) as administrator,
        connected(deployment.database_url(service)) as connection,
    ):
        known = {"database": deployment.prefix + service, "administrator": administrator.get_server_pid()}
        passed = []
        for what, statement in FORBIDDEN.items():
            try:
                await connection.execute(statement.format(**known))
            except asyncpg.InsufficientPrivilegeError:
                continue
            passed.append(what)
        assert passed == []


@every_service
async def test_a_service_reads_and_writes_rows(deployment: Deployment, service: str) -> None:
    """Of all its tables, as the catalogue tells it; of the records of migrations it reads only."""
    async with connected(deployment.database_url(service)) as connection:
        rows = await connection.fetch(
            """SELECT oid::regclass::text AS name, array(
                   SELECT privilege FROM unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES',
                       'TRIGGER']) AS privilege WHERE has_table_privilege(oid, privilege)) AS rights
               FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f')
                 AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"""
        )
    rights = {row["name"]: row["rights"] for row in rows}
    assert rights.pop("saga_migrations") == rights.pop("schema_migrations") == ["SELECT"]
    assert {"saga.inbox", "saga.outbox", "saga.fence", "saga.call"} < rights.keys()
    assert [name for name, has in rights.items() if has != ["SELECT", "INSERT", "UPDATE", "DELETE"]] == []


@every_service
async def test_a_service_borrows_the_administrators_rights_for_partitions_only(
    deployment: Deployment, service: str
) -> None:
    """That function looks nowhere else for what it names, so nobody can slip something under it."""
    async with connected(deployment.database_url(service)) as connection:
        rows = await connection.fetch(
            """SELECT oid::regproc::text AS name, proconfig FROM pg_proc
               WHERE prosecdef AND has_function_privilege(oid, 'EXECUTE')"""
        )
        own = ["search_path=saga, pg_temp"]
        assert sorted(tuple(row) for row in rows) == [("saga.keep_inbox", own), ("saga.keep_said", own)]
        await connection.execute("SELECT saga.keep_inbox('30 days'), saga.keep_said('2 days')")


@every_service
async def test_a_service_owns_nothing_and_is_nobody_else(deployment: Deployment, service: str) -> None:
    """No table, function, schema or database is its own, it is a member of nothing, and passes no right on."""
    async with connected(deployment.database_url(service)) as connection:
        me = "(SELECT oid FROM pg_roles WHERE rolname = CURRENT_USER)"
        for owned in (
            f"pg_class WHERE relowner = {me}",
            f"pg_proc WHERE proowner = {me}",
            f"pg_namespace WHERE nspowner = {me}",
            f"pg_database WHERE datdba = {me}",
            f"pg_auth_members WHERE member = {me}",
            f"pg_roles WHERE oid = {me} AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication)",
        ):
            assert await connection.fetch(f"SELECT * FROM {owned}") == [], owned
        await connection.execute("GRANT ALL ON saga.outbox TO PUBLIC")  # PostgreSQL only warns
        assert await connection.fetchval("SELECT NOT has_table_privilege('public', 'saga.outbox', 'SELECT')")


async def test_what_an_older_server_gives_to_everybody_is_taken_back(deployment: Deployment) -> None:
    """Before PostgreSQL 15 everybody made tables in `public`, and an upgrade keeps that."""
    name = f"{deployment.prefix}inventory"
    administrator = DatabaseServer(deployment.administrator.postgres)
    await administrator.execute(
        f'GRANT CREATE ON SCHEMA public TO PUBLIC; GRANT TEMP ON DATABASE "{name}" TO PUBLIC', name
    )
    async with connected(deployment.database_url("inventory")) as connection:
        await connection.execute("CREATE TABLE mine (); DROP TABLE mine; CREATE TEMP TABLE mine ()")
        await deployment.provision()
        for statement in ("CREATE TABLE mine ()", "CREATE TEMP TABLE another ()"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
