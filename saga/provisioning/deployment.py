"""A whole system on some servers, with passwords of its own: for a demonstration, for tests, for a laptop."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import quote, urlsplit, urlunsplit

from saga.broker import short
from saga.provisioning.broker import Management
from saga.provisioning.database import DatabaseServer
from saga.provisioning.plan import Administrator, plan
from saga.service import Service
from saga.settings import RETRY_TIERS
from saga.topology import PUBLISHER, derive


@dataclass(frozen=True, slots=True)
class Deployment:
    """`amqp` is the broker's address; the vhost and the credentials in it don't matter."""

    services: Sequence[Service]
    administrator: Administrator
    amqp: str = field(repr=False)
    prefix: str = ""
    tiers: Sequence[timedelta] = RETRY_TIERS
    passwords: Mapping[str, str] = field(default_factory=dict, repr=False)
    api_secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @classmethod
    def new(
        cls,
        services: Sequence[Service],
        administrator: Administrator,
        amqp: str,
        prefix: str = "",
        tiers: Sequence[timedelta] = RETRY_TIERS,
    ) -> "Deployment":
        """With random passwords; nothing is provisioned yet."""
        users = [*(service.name for service in services), PUBLISHER]
        passwords = {user: secrets.token_urlsafe(24) for user in users}
        return cls(services, administrator, amqp, prefix, tiers, passwords)

    async def provision(self) -> None:
        """Make everything that is missing."""
        for change in await plan(self.services, self.administrator, self.passwords, self.tiers, self.prefix):
            await change.apply()

    async def remove(self) -> None:
        """Drop its databases, its roles, its users and its vhost, with all that they hold."""
        server = DatabaseServer(self.administrator.postgres)
        for service in self.services:
            await server.drop(self.prefix + service.name)
        broker = Management(self.administrator.management, self.administrator.vhost)
        for user in derive(self.services, self.tiers).users:
            await broker.delete_user(self.prefix + user.name)
        await broker.delete_vhost()

    def amqp_url(self, user: str) -> str:
        """The broker, as this service or the publisher sees it."""
        parts = urlsplit(self.amqp)
        server = parts.netloc.rpartition("@")[2]
        netloc = f"{quote(self.prefix + user, safe='')}:{quote(self.passwords[user], safe='')}@{server}"
        vhost = self.administrator.vhost
        return urlunsplit((parts.scheme, netloc, "/" if vhost == "/" else f"/{quote(vhost, safe='')}", "", ""))

    def database_url(self, service: str) -> str:
        """The service's database, as the service sees it."""
        name = self.prefix + service
        return DatabaseServer(self.administrator.postgres).url_of(name, name, self.passwords[service])

    def settings(self, service: str) -> dict[str, object]:
        """What the service has to be told to run here."""
        return {
            "amqp_url": self.amqp_url(service),
            "database_url": self.database_url(service),
            "api_secret": self.api_secret,
            "retry_tiers": ",".join(short(tier) for tier in self.tiers),
        }

    def environment(self, service: str, port: int) -> dict[str, str]:
        """The same as environment variables."""
        told = self.settings(service) | {"http_port": port}
        return {f"{service}_{key}".upper(): str(value) for key, value in told.items()}
