"""What is missing at both servers, told before it is made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from saga.provisioning.broker import Management
from saga.provisioning.change import Change
from saga.provisioning.database import DatabaseServer
from saga.service import Service
from saga.settings import RETRY_TIERS
from saga.topology import derive

STATISTICS_INTERVAL = timedelta(seconds=5)
"""As brokers have it: https://www.rabbitmq.com/docs/management#statistics-interval."""


@dataclass(frozen=True, slots=True)
class Administrator:
    """Where the servers are, with the credentials of who may change them.

    `vhost` is the saga's own; `statistics_interval` is the broker's, after which it has counted its messages anew.
    """

    management: str = field(repr=False)
    postgres: str = field(repr=False)
    vhost: str = "/"
    statistics_interval: timedelta = STATISTICS_INTERVAL


async def plan(
    services: Sequence[Service],
    administrator: Administrator,
    passwords: Mapping[str, str],
    tiers: Sequence[timedelta] = RETRY_TIERS,
    prefix: str = "",
) -> list[Change]:
    """What is missing at both servers, in the order in which it can be made.

    `passwords` are by the service's name, and `publisher`'s. Users, roles and databases are called `prefix` + the
    service's name, so that several systems can share a server.
    """
    server = DatabaseServer(administrator.postgres)
    changes = [
        change
        for service in services
        for change in await server.changes(service, prefix + service.name, passwords[service.name])
    ]
    broker = Management(administrator.management, administrator.vhost)
    return changes + await broker.changes(derive(services, tiers), passwords, prefix)
