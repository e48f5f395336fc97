"""What a service says when it can't start, and that it waits for what is only late."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import pytest

from infra.local.ports import free_ports
from infra.local.servers import Servers
from infra.local.system import administrator
from inventory_service.handlers import inventory
from saga.provisioning import Deployment
from saga.runtime import STOPPED_LATE
from saga.testing import eventually
from tests.conftest import deployed

Told = dict[str, str]


@pytest.fixture(scope="module")
async def deployment(servers: Servers) -> AsyncIterator[Deployment]:
    async with deployed(servers, [inventory]) as provisioned:
        yield provisioned


@pytest.fixture
def told(deployment: Deployment) -> Told:
    """The environment in which inventory would start."""
    return deployment.environment("inventory", free_ports(1)[0])


def started(told: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Inventory, started and ended by itself."""
    return subprocess.run(
        [sys.executable, "-m", "inventory_service"],
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@asynccontextmanager
async def starting(
    told: Mapping[str, str], log: Path, exits: Sequence[int] = (0,)
) -> AsyncIterator[Callable[[str], Awaitable[object]]]:
    """Inventory, started and stopped by us: within its deadline. What is yielded waits until its log says something."""

    async def says(text: str) -> None:
        async def said() -> bool:
            return text in log.read_text()

        await eventually(said, within=30)

    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "inventory_service", env={**os.environ, **told}, stderr=errors
        )
        try:
            yield says
        finally:
            process.terminate()
            try:
                async with asyncio.timeout(20):
                    status = await process.wait()
            except TimeoutError:
                process.kill()
                raise
    assert status in exits


def test_missing_settings_are_named(told: Told) -> None:
    del told["INVENTORY_AMQP_URL"]
    ended = started(told)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "INVENTORY_AMQP_URL" in ended.stderr


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        ("INVENTORY_DATABASE_URL", "refuses user"),
        ("INVENTORY_AMQP_URL", "refuses user"),
    ],
)
def test_a_wrong_password_is_told_in_one_line_with_a_remedy(told: Told, variable: str, message: str) -> None:
    user, _, rest = told[variable].partition("@")
    told[variable] = f"{user}x@{rest}"
    ended = started(told)
    assert (ended.returncode, ended.stderr.strip().count("\n")) == (1, 0)
    assert message in ended.stderr
    assert "run 'saga provision'" in ended.stderr


async def test_what_is_not_provisioned_is_told_in_one_line_with_a_remedy(servers: Servers, told: Told) -> None:
    """No database, no schema, no vhost, no queue: each ends at once."""
    nowhere = Deployment.new([inventory], administrator(servers, "nowhere"), servers.amqp, "nowhere_")
    elsewhere = nowhere.environment("inventory", free_ports(1)[0])
    for wrong in (
        told | {"INVENTORY_DATABASE_URL": elsewhere["INVENTORY_DATABASE_URL"]},
        told | {"INVENTORY_AMQP_URL": elsewhere["INVENTORY_AMQP_URL"]},
        told | {"INVENTORY_DATABASE_URL": servers.postgres},
        told | {"INVENTORY_AMQP_URL": servers.amqp},
    ):
        ended = await asyncio.to_thread(started, wrong)
        assert (ended.returncode, ended.stderr.strip().count("\n")) == (1, 0), ended.stderr
        assert "run 'saga provision'" in ended.stderr


def test_retry_tiers_that_were_not_provisioned_are_named(told: Told) -> None:
    """Else what fails would find no queue to wait in."""
    told["INVENTORY_RETRY_TIERS"] = "100ms,7s"
    ended = started(told)
    assert (ended.returncode, ended.stderr.strip().count("\n")) == (1, 0)
    assert "no queue 'inventory.retry.7s'" in ended.stderr
    assert "run 'saga provision' with SAGA_RETRY_TIERS=100ms,7s" in ended.stderr


def test_a_taken_port_is_named(told: Told) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        told["INVENTORY_HTTP_PORT"] = str(taken.getsockname()[1])
        ended = started(told)
    assert ended.returncode == 1
    assert told["INVENTORY_HTTP_PORT"] in ended.stderr


@pytest.mark.parametrize("variable", ["INVENTORY_DATABASE_URL", "INVENTORY_AMQP_URL"])
async def test_a_server_that_is_not_up_yet_is_waited_for(told: Told, variable: str, tmp_path: Path) -> None:
    """It says which and where; as soon as the server is up, it starts by itself."""
    between = Between.of(told, variable)
    async with AsyncExitStack() as late, starting(told, tmp_path / "log") as says:
        await says(f"127.0.0.1:{between.port} does not answer")
        await late.enter_async_context(between.forwarding())
        await says("service.started")


async def test_a_stop_keeps_its_deadline_though_the_database_no_longer_answers(told: Told, tmp_path: Path) -> None:
    """A half-open connection keeps nobody from ending, even where the client library waits for it."""
    between = Between.of(told, "INVENTORY_DATABASE_URL")
    told["INVENTORY_STOP_DEADLINE"] = "3s"
    async with between.forwarding():
        async with starting(told, tmp_path / "log", exits=(0, STOPPED_LATE)) as says:
            await says("service.started")
            between.answering.clear()
        between.answering.set()


@dataclass
class Between:
    """Stands between inventory and a server: comes up late, or no longer answers."""

    host: str
    server_port: int
    port: int
    answering: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def of(cls, told: Told, variable: str) -> Self:
        """Before the server that this variable names; from now on the variable names us."""
        url = urlsplit(told[variable])
        between = cls(url.hostname or "", url.port or 0, free_ports(1)[0])
        told[variable] = told[variable].replace(f"{between.host}:{between.server_port}", f"127.0.0.1:{between.port}")
        between.answering.set()
        return between

    @asynccontextmanager
    async def forwarding(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as pumps:

            def accept(*ends: Any) -> None:
                pumps.create_task(self._forward(*ends))

            async with await asyncio.start_server(accept, "127.0.0.1", self.port):
                yield

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection(self.host, self.server_port)
        await asyncio.gather(self._pump(reader, upstream_writer), self._pump(upstream_reader, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                await self.answering.wait()
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            return  # one of the two has hung up
        finally:
            writer.close()
