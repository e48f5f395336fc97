"""The whole order saga on this machine: servers, provisioning, and the services as processes."""

import asyncio
import http.client
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from urllib.parse import urlsplit

from infra.local.ports import LOOPBACK, free_ports
from infra.local.process import Child, Children, wait_until
from infra.local.servers import Servers, local_servers
from observer_service.handlers import observer
from saga import Service
from saga.installed import installed
from saga.provisioning import Administrator, Deployment
from saga.tokens import mint_token
from saga.topology import PUBLISHER

SERVICES = tuple(installed(besides=observer.name))
"""Those that take part in sagas."""
EVERYBODY = (*SERVICES, observer)
"""And who looks on."""
GRACE = 30.0
START_SECONDS = 30.0
TOKEN_VALID = timedelta(days=30)


def as_module(service: Service) -> list[str]:
    """The command that starts a service."""
    return [sys.executable, "-m", service.package]


@dataclass
class Services:
    """The processes of a deployment's services, each started, stopped and killed by its name."""

    deployment: Deployment
    children: Children
    run: Path
    overrides: Mapping[str, str] = field(default_factory=dict)
    command: Callable[[Service], list[str]] = as_module
    ports: dict[str, int] = field(default_factory=dict)
    running: dict[str, Child] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._services = {service.name: service for service in self.deployment.services}
        self.ports = dict(zip(self._services, free_ports(len(self._services)), strict=True))

    def start(self, name: str) -> None:
        """Start it; `wait` until it is ready."""
        told = self.deployment.environment(name, self.ports[name])
        env = {**os.environ, **told, **self._addresses(), **self.overrides}
        home = self.children.home(self.run, name)
        self.running[name] = self.children.start(home, self.command(self._services[name]), env=env, grace=GRACE)

    def _addresses(self) -> dict[str, str]:
        """What the observer's pages lead to."""
        management = urlsplit(self.deployment.administrator.management)
        services = {name: self.url(name) for name in self.ports if name != observer.name}
        return {
            "OBSERVER_SERVICES": json.dumps(services),
            "OBSERVER_MANAGEMENT_URL": f"http://{management.hostname}:{management.port}",
        }

    def wait(self, *names: str) -> None:
        for name in names:
            wait_until(partial(_is_ready, self.ports[name]), [self.running[name]], name, START_SECONDS)

    def stop(self, name: str) -> None:
        """Stop it cleanly."""
        self.running.pop(name).join()

    def kill(self, name: str) -> None:
        """SIGKILL. It has ended afterwards, and `start` or `revive` starts it again."""
        self.running[name].kill()
        self.running[name].join()

    def pid(self, name: str) -> int:
        """The process that it is now; 0 where it has ended."""
        return self.running[name].pid()

    def revive(self) -> list[str]:
        """Start those again that have ended by themselves; which they were."""
        dead = [name for name, child in self.running.items() if child.ended()]
        for name in dead:
            self.running[name].join()
            self.start(name)
        return dead

    def url(self, name: str) -> str:
        return f"http://{LOOPBACK}:{self.ports[name]}"


@contextmanager
def services(
    deployment: Deployment,
    run: Path,
    overrides: Mapping[str, str] | None = None,
    command: Callable[[Service], list[str]] = as_module,
) -> Iterator[Services]:
    """All services of a provisioned deployment, ready; stopped cleanly, all at once, at the end of the block."""
    with Children() as children:
        processes = Services(deployment, children, run, overrides or {}, command)
        for service in deployment.services:
            processes.start(service.name)
        processes.wait(*processes.ports)
        yield processes


@dataclass(frozen=True)
class System:
    """Where everything is, which also stands in `endpoints.json`, and the services' processes."""

    endpoints: Mapping[str, str]
    services: Services


@contextmanager
def system(
    run: Path, say: Callable[[str], None] = print, overrides: Mapping[str, str] | None = None
) -> Iterator[System]:
    """Servers and services, ready."""
    with local_servers(run, say) as servers:
        say(f"Servers: {servers.how}.")
        deployment = Deployment.new(EVERYBODY, administrator(servers), servers.amqp)
        asyncio.run(deployment.provision())
        with services(deployment, run, overrides) as processes:
            endpoints = {
                "amqp": servers.amqp,
                "amqp_publisher": deployment.amqp_url(PUBLISHER),
                "management": servers.management,
                "postgres": servers.postgres,
                **{name: processes.url(name) for name in processes.ports},
                "token": mint_token(deployment.api_secret, "operator", TOKEN_VALID),
            }
            with _written(run / "endpoints.json", endpoints):
                yield System(endpoints, processes)


def administrator(servers: Servers, vhost: str = "/") -> Administrator:
    interval = timedelta(seconds=servers.statistics_interval)
    return Administrator(servers.management, servers.postgres, vhost, interval)


@contextmanager
def _written(path: Path, endpoints: Mapping[str, str]) -> Iterator[None]:
    """A file that only we may read, since it has passwords in it; whole as soon as it is there."""
    with NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        json.dump(endpoints, file, indent=2)
    Path(file.name).replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
