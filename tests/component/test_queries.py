"""Every statement is sound by the schema that the migrations make: also one that nobody has asked yet."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

import saga
from infra.local.servers import Servers
from infra.local.system import EVERYBODY
from saga import Service
from saga.database import Queries
from saga.migrations import folder
from saga.provisioning import Deployment
from tests.conftest import deployed

RUNTIME = Path(saga.__file__).parent


@pytest.fixture(scope="module")
async def deployment(servers: Servers) -> AsyncIterator[Deployment]:
    async with deployed(servers, EVERYBODY) as provisioned:
        yield provisioned


@pytest.mark.parametrize("service", EVERYBODY, ids=lambda service: service.name)
async def test_every_query_can_be_prepared(deployment: Deployment, service: Service) -> None:
    """The service's own, and the runtime's beside them, as the service's role."""
    files = [*folder(service.package).parent.glob("*.sql"), *RUNTIME.rglob("*queries.sql")]
    read = [(file, Queries(file)) for file in files]
    asked = {f"{file.parent.name}/{file.name} {name}": getattr(known, name) for file, known in read for name in known}
    connection = await asyncpg.connect(deployment.database_url(service.name))
    wrong = []
    try:
        for name, statement in asked.items():
            try:
                await connection.prepare(statement)
            except asyncpg.PostgresError as error:
                wrong.append(f"{name}: {error}")
    finally:
        await connection.close()
    assert wrong == []
    forgets = {f"{service.package}/queries.sql forget"} if service.forget else set()
    assert {"saga/queries.sql backlog"} | forgets <= asked.keys()
