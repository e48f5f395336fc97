"""Every service's laws fit its schema."""

import pytest

from infra.local.servers import Servers
from infra.local.system import SERVICES
from saga import Book, Service
from saga.audit.archive import sql as audits_own
from saga.database import open_pool
from tests.conftest import deployed


@pytest.mark.parametrize("service", [service for service in SERVICES if service.laws], ids=lambda service: service.name)
async def test_every_law_can_be_asked_for(servers: Servers, service: Service) -> None:
    """The statements' columns have the names and types that an audit reads; its own statements fit, too."""
    assert service.laws is not None
    wanted = {service.laws.sagas: {"saga_id": "text", "opened_at": "timestamptz"}}
    for rule in service.laws.rules:
        statement, told = (rule.entries, "entry") if isinstance(rule, Book) else (rule.breaches, "detail")
        wanted[statement] = {"saga_id": "text", told: "text"}
    async with deployed(servers, [service]) as made:
        pool = await open_pool(made.database_url(service.name), size=3, application="test")
        async with pool.acquire() as connection:
            for statement, columns in wanted.items():
                prepared = await connection.prepare(statement)
                assert {column.name: column.type.name for column in prepared.get_attributes()} == columns
            for name in audits_own:
                await connection.prepare(getattr(audits_own, name))
        await pool.close()
