"""Real servers for the tests that need them: containers where a Docker Engine answers, else the local stack."""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from secrets import token_hex
from urllib.parse import quote, urlsplit, urlunsplit

import pytest
import uvloop

from infra.local.servers import Servers, local_servers
from infra.local.system import administrator
from saga import Service
from saga.provisioning import Deployment, Management
from saga.testing import Stage, stage

BACKEND = "SAGA_TEST_BACKEND"
GIVEN = "SAGA_TEST_SERVERS"
"""Servers that somebody else stops, as JSON: a test that runs tests shares its own with them."""
STATISTICS_INTERVAL = 0.75
"""Seconds. The tests' broker counts twice a second, and what it tells changes once a second."""
_QUICK_FIGURES = (
    "-rabbit collect_statistics_interval 500 -rabbit quorum_tick_interval 500 "
    "-rabbitmq_management sample_retention_policies [{global,[{60,1}]},{basic,[{60,1}]},{detailed,[{60,1}]}]"
)
"""As arguments of the Erlang machine, since any image takes these. What is told changes with the samples."""
QUICK_TIERS = (timedelta(milliseconds=100), timedelta(milliseconds=200))
"""Retry tiers that a test can wait for."""


def _backend() -> str:
    """What the environment asks for; else containers, if Docker answers."""
    asked = os.environ.get(BACKEND, "")
    if asked not in {"", "containers", "local"}:
        raise pytest.UsageError(f"{BACKEND}={asked}: say containers or local")
    if asked:
        return asked
    try:
        answered = subprocess.run(["docker", "info"], capture_output=True, timeout=20, check=False).returncode == 0  # noqa: S607 — Docker is where PATH says
    except (OSError, subprocess.TimeoutExpired):
        answered = False
    return "containers" if answered else "local"


def pytest_configure() -> None:
    os.environ[BACKEND] = _backend()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what goes on in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)  # else what we start would ignore our Ctrl-C, too


def pytest_report_header() -> str:
    return f"servers: {'testcontainers' if os.environ[BACKEND] == 'containers' else 'the local stack'}"


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop on which services run: where the standard library's only warns, it may raise."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """One PostgreSQL and one RabbitMQ for the whole session."""
    if given := os.environ.get(GIVEN):
        yield Servers(**json.loads(given))
        return
    make = _containers if os.environ[BACKEND] == "containers" else _local
    with make(tmp_path_factory.mktemp("servers")) as started:
        yield started


@contextmanager
def _local(run: Path) -> Iterator[Servers]:
    with local_servers(run, say=lambda _: None) as started:
        yield started


@contextmanager
def _containers(_: Path) -> Iterator[Servers]:
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")  # its image can't be had everywhere
    from testcontainers.community.postgres import PostgresContainer
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    password = token_hex(16)
    postgres = PostgresContainer("postgres:17", driver=None, username="postgres", password=password, dbname="postgres")
    rabbitmq = (
        DockerContainer("rabbitmq:4-management")
        .with_env("RABBITMQ_DEFAULT_USER", "admin")
        .with_env("RABBITMQ_DEFAULT_PASS", password)
        .with_env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", _QUICK_FIGURES)
        .with_exposed_ports(5672, 15672, 15692)
        .waiting_for(LogMessageWaitStrategy("Server startup complete"))
    )
    with postgres.with_command("postgres -c max_connections=300"), rabbitmq:
        host = rabbitmq.get_container_host_ip()
        yield Servers(
            amqp=f"amqp://admin:{password}@{host}:{rabbitmq.get_exposed_port(5672)}/",
            management=f"http://admin:{password}@{host}:{rabbitmq.get_exposed_port(15672)}",
            postgres=postgres.get_connection_url(),
            metrics=f"http://{host}:{rabbitmq.get_exposed_port(15692)}/metrics",
            how="containers",
            statistics_interval=STATISTICS_INTERVAL,
        )


def in_vhost(amqp_url: str, vhost: str) -> str:
    return urlunsplit(urlsplit(amqp_url)._replace(path=f"/{vhost}"))


def administrators(servers: Servers, vhost: str = "", prefix: str = "") -> dict[str, str]:
    """The environment of who may do everything."""
    return {
        "SAGA_ADMIN_AMQP_URL": in_vhost(servers.amqp, quote(vhost, safe="")),
        "SAGA_ADMIN_MANAGEMENT_URL": servers.management,
        "SAGA_ADMIN_POSTGRES_URL": servers.postgres,
        "SAGA_ADMIN_STATISTICS_INTERVAL": f"{servers.statistics_interval}s",
        "SAGA_DATABASE_PREFIX": prefix,
    }


@asynccontextmanager
async def deployed(
    servers: Servers, services: Sequence[Service], tiers: Sequence[timedelta] = QUICK_TIERS
) -> AsyncIterator[Deployment]:
    """These services, provisioned in a vhost and in databases of their own, which are gone afterwards."""
    name = f"t{token_hex(4)}"
    deployment = Deployment.new(services, administrator(servers, name), servers.amqp, f"{name}_", tiers)
    await deployment.provision()
    user = urlsplit(servers.amqp).username or ""
    await Management(servers.management, name).permit(user, ".*", ".*", ".*")
    try:
        yield deployment
    finally:
        await deployment.remove()


@asynccontextmanager
async def on_stage(servers: Servers, services: Sequence[Service]) -> AsyncIterator[tuple[Deployment, Stage]]:
    """A deployment, and a stage on its broker."""
    async with AsyncExitStack() as stack:
        deployment = await stack.enter_async_context(deployed(servers, services))
        url = in_vhost(servers.amqp, deployment.administrator.vhost)
        yield deployment, await stack.enter_async_context(stage(deployment, url))
