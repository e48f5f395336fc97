"""Containers that are hurt come back as they were. (tests/infra shows it of the local stack.)"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.conftest import BACKEND
from tests.fault.servers import HurtableServers, hurtable_servers

pytestmark = pytest.mark.skipif(os.environ.get(BACKEND) != "containers", reason="is about containers")


@pytest.fixture(scope="module")
def hurtable() -> Iterator[HurtableServers]:
    with tempfile.TemporaryDirectory() as run, hurtable_servers(Path(run)) as servers:
        yield servers


@pytest.mark.parametrize("how", ["kill", "restart"])
async def test_containers_come_back_with_their_data_at_the_same_ports(hurtable: HurtableServers, how: str) -> None:
    client = await asyncpg.connect(hurtable.servers.postgres)
    await client.execute(f"CREATE TABLE {how} AS SELECT 'still here' AS word")
    hurtable.rabbitmqctl("add_vhost", how)
    for server in (hurtable.rabbitmq, hurtable.postgres):
        getattr(server, how)(0.2)
    for server in (hurtable.rabbitmq, hurtable.postgres):
        server.wait()
    with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError)):
        await client.execute("SELECT 1")
    client = await asyncpg.connect(hurtable.servers.postgres)
    assert await client.fetchval(f"SELECT word FROM {how}") == "still here"
    await client.close()
    assert how in hurtable.rabbitmqctl("list_vhosts").split()
