"""The ways to have servers, and the choice between them."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from infra.local import containers, packages
from infra.local.binaries import find_postgres, find_rabbitmq
from infra.local.errors import ServersUnavailable
from infra.local.postgres import Postgres
from infra.local.process import Children
from infra.local.rabbitmq import RabbitMQ

CHOICE = "SAGA_LOCAL"
Say = Callable[[str], None]


class Server(Protocol):
    def wait(self) -> None:
        """Return when it answers; after `kill` and `restart`, when it answers again."""

    def pid(self) -> int:
        """Its process, or of a container its client; 0 while there is none."""

    def kill(self, pause: float = 0) -> None:
        """SIGKILL, at once; it is started again so many seconds later, with its data and at the same ports."""

    def restart(self, pause: float = 0) -> None:
        """Have it stop cleanly; it is started again so many seconds later, with its data and at the same ports."""


class PostgresServer(Server, Protocol):
    @property
    def url(self) -> str: ...


class RabbitServer(Server, Protocol):
    @property
    def amqp(self) -> str: ...
    @property
    def management(self) -> str: ...
    @property
    def metrics(self) -> str: ...
    def rabbitmqctl(self, *arguments: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Way:
    """How to start the two servers in a run folder."""

    how: str
    postgres: Callable[[Path, Children], PostgresServer]
    rabbitmq: Callable[[Path, Children], RabbitServer]


def choose(say: Say, choice: str | None = None) -> Way:
    """The first way that is open, of those that SAGA_LOCAL allows, or another choice."""
    allowed = {
        "": (_binaries, _containers, _packages),
        "binaries": (_binaries, _packages),
        "containers": (_containers,),
    }
    choice = os.environ.get(CHOICE, "") if choice is None else choice
    if choice not in allowed:
        raise ServersUnavailable(f"{CHOICE} is {choice!r}; it may be 'binaries' or 'containers', or not set at all.")
    reasons = []
    for look in allowed[choice]:
        found = look(say)
        if isinstance(found, Way):
            return found
        reasons.append(found)
    raise ServersUnavailable(
        f"There is no PostgreSQL 15+ and RabbitMQ 3.10+ to start: {'; '.join(reasons)}. Start Docker, or install both "
        "(Debian, Ubuntu: apt-get install postgresql rabbitmq-server; macOS: brew install postgresql@17 rabbitmq)."
    )


def _binaries(_: Say) -> Way | str:
    postgres, rabbitmq = find_postgres(), find_rabbitmq()
    if postgres is None or rabbitmq is None:
        return f"this machine lacks {' and '.join(_missing())}, or has an older one"
    how = f"PostgreSQL {postgres.version} and RabbitMQ {rabbitmq.version} from this machine's packages"
    return Way(how, partial(Postgres, postgres), partial(RabbitMQ, rabbitmq))


def _containers(say: Say) -> Way | str:
    if reason := containers.why_not() or containers.fetch(say):
        return reason
    how = f"containers {containers.POSTGRES_IMAGE}, {containers.RABBITMQ_IMAGE}"
    return Way(how, containers.ContainerPostgres, containers.ContainerRabbitMQ)


def _packages(say: Say) -> Way | str:
    if reason := packages.why_not():
        return reason
    packages.install(list(_missing().values()), say)
    found = _binaries(say)
    return found if isinstance(found, Way) else f"after installing packages, {found}"


def _missing() -> dict[str, str]:
    """What this machine lacks, and the Debian package that brings it."""
    missing = {}
    if find_postgres() is None:
        missing["PostgreSQL"] = "postgresql"
    if find_rabbitmq() is None:
        missing["RabbitMQ"] = "rabbitmq-server"
    return missing
