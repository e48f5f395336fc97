"""An example's services as processes, in a vhost and databases of their own."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from examples.__main__ import scenario
from examples.playing import Play, cast, playing
from infra.local import Servers
from infra.local.system import as_module
from saga import Service
from saga.exploring import Sandbox, sandbox
from tests.conftest import deployed, in_vhost

Command = Callable[[Service], Sequence[str]]
Sandboxes = Callable[[str], Awaitable[Sandbox]]
Playing = Callable[..., AbstractAsyncContextManager[Play]]


@pytest.fixture(scope="session")
async def sandbox_of(servers: Servers) -> AsyncIterator[Sandboxes]:
    """What makes an example's databases to explore in, once for all of its tests."""
    async with AsyncExitStack() as stack:
        made: dict[str, Sandbox] = {}

        async def box(name: str) -> Sandbox:
            if name not in made:
                made[name] = await stack.enter_async_context(sandbox(scenario(name), servers.postgres))
            return made[name]

        yield box


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
