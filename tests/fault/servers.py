"""Servers of a test's own, on either backend, to be hurt."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from infra.local.servers import Servers, running
from infra.local.ways import choose
from tests.conftest import BACKEND


class Hurtable(Protocol):
    """A server that comes back with its data, at the same ports. Off the event loop: all of these take their time."""

    def kill(self, pause: float = 0) -> None:
        """SIGKILL it and all that it started, have it started again so many seconds later, and return at once."""

    def restart(self, pause: float = 0) -> None:
        """The same, but it may stop cleanly."""

    def wait(self) -> None:
        """Return when it answers; after `kill` and `restart`, when it answers again."""


class HurtableBroker(Hurtable, Protocol):
    def rabbitmqctl(self, *arguments: str) -> str:
        """What it answers; an error, if it fails."""


@dataclass(frozen=True, slots=True)
class HurtableServers:
    servers: Servers
    postgres: Hurtable
    rabbitmq: HurtableBroker

    def rabbitmqctl(self, *arguments: str) -> str:
        return self.rabbitmq.rabbitmqctl(*arguments)


@contextmanager
def hurtable_servers(run: Path) -> Iterator[HurtableServers]:
    """Both servers, ready; nothing of them is left afterwards but their logs in `run`."""
    choice = "containers" if os.environ[BACKEND] == "containers" else None
    with running(run, choose(lambda _: None, choice)) as pair:
        yield HurtableServers(pair.servers, pair.postgres, pair.rabbitmq)
