"""An example's services as processes, in a vhost and databases of their own."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from examples.__main__ import scenario
from examples.playing import Play, cast, playing
from infra.local import Servers
from infra.local.system import as_module
from saga import Service
from tests.conftest import deployed, in_vhost

Command = Callable[[Service], Sequence[str]]
Playing = Callable[..., AbstractAsyncContextManager[Play]]


@pytest.fixture
def play(servers: Servers, tmp_path: Path) -> Playing:
    """What runs an example."""

    @asynccontextmanager
    async def played(name: str, command: Command = as_module) -> AsyncIterator[Play]:
        told = scenario(name)
        async with deployed(servers, cast(told)) as deployment:
            amqp = in_vhost(servers.amqp, deployment.administrator.vhost)
            async with playing(name, told, deployment, amqp, tmp_path, command) as here:
                yield here

    return played
