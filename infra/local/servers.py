"""The door: start the servers, tell where they are, stop them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from infra.local.errors import PortTaken
from infra.local.process import Children
from infra.local.ways import PostgresServer, RabbitServer, Server, Way, choose

ATTEMPTS = 3
AnyServer = TypeVar("AnyServer", bound=Server)


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the servers are, with the credentials of their administrators."""

    amqp: str  # vhost "/"
    management: str  # the root of the HTTP API
    postgres: str  # the database postgres, as superuser
    metrics: str  # what the broker tells Prometheus, without credentials
    how: str  # one line for people
    statistics_interval: float = 5.0  # seconds, after which the broker counts its messages anew


@dataclass(frozen=True, slots=True)
class Pair:
    """The servers themselves, which can be killed and restarted."""

    rabbitmq: RabbitServer
    postgres: PostgresServer
    how: str

    @property
    def servers(self) -> Servers:
        return Servers(self.rabbitmq.amqp, self.rabbitmq.management, self.postgres.url, self.rabbitmq.metrics, self.how)


@contextmanager
def local_servers(run: Path, say: Callable[[str], None] = print) -> Iterator[Servers]:
    """
    Private servers within the block, with fresh data, on free ports of the loopback interface; data and logs are under
    `run`, the data in a scratch folder where the servers' user cannot get there. One that ends by itself is started
    again with its data. Afterwards no process and no data is left, even if we are killed; the last logs stay. Nothing
    that runs already is touched.
    """
    with running(run, choose(say)) as pair:
        yield pair.servers


@contextmanager
def running(run: Path, way: Way) -> Iterator[Pair]:
    """The same, for those who want to do something to them."""
    run = run.absolute()
    with Children() as children:
        start_rabbitmq = partial(way.rabbitmq, run, children)
        start_postgres = partial(way.postgres, run, children)
        rabbitmq, postgres = start_rabbitmq(), start_postgres()  # side by side; the slower one first
        postgres = _ready(postgres, start_postgres)
        rabbitmq = _ready(rabbitmq, start_rabbitmq)
        yield Pair(rabbitmq, postgres, way.how)


def _ready(server: AnyServer, start_again: Callable[[], AnyServer]) -> AnyServer:
    """The server when it answers, or the next one, where it lost the race for a port."""
    for _ in range(ATTEMPTS - 1):
        try:
            server.wait()
        except PortTaken:
            server = start_again()
        else:
            return server
    server.wait()
    return server
