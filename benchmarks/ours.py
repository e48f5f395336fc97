"""The real services, provisioned as they are anywhere, each as one process or as several."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlsplit, urlunsplit

from benchmarks.running import BooksDiffer, Running
from infra.local.servers import Servers
from infra.local.system import EVERYBODY, SERVICES, administrator, services
from saga.audit import audit
from saga.provisioning import DatabaseServer, Deployment, Management

AT_ONCE = {"PAYMENT_GATEWAY_LATENCY": "0s", "SHIPPING_CARRIER_LATENCY": "0s"}
"""The outside world answers at once: what is measured is not how long it takes."""


@dataclass(frozen=True)
class Shop:
    """Databases and queues, to which orders can be published before any service runs."""

    deployment: Deployment
    amqp: str
    run: Path

    @property
    def stopped(self) -> Running:
        server = DatabaseServer(self.deployment.administrator.postgres)
        names = [service.name for service in self.deployment.services]
        return Running(self.amqp, {}, {name: server.url_of(self.deployment.prefix + name) for name in names})

    @contextmanager
    def open(self, replicas: int = 1) -> Iterator[Running]:
        """All services, so many processes of each, until the end of the block."""
        with ExitStack() as stack:
            pids: dict[str, int] = {}
            for replica in range(1, replicas + 1):
                run = self.run / f"replica-{replica}"
                run.mkdir(parents=True, exist_ok=True)
                processes = stack.enter_context(services(self.deployment, run, AT_ONCE))
                for child in processes.running.values():
                    child.endure()
                pids |= {name if replica == 1 else f"{name}-{replica}": processes.pid(name) for name in processes.ports}
            yield Running(self.amqp, pids, self.stopped.databases, self._audit)

    async def _audit(self) -> int:
        there = self.deployment
        report = await audit(
            there.services, there.administrator, prefix=there.prefix, settled=True, nothing_parked=True
        )
        if not report.holds:
            raise BooksDiffer(str(report)[:2000])
        return report.sagas


@asynccontextmanager
async def provisioned(servers: Servers, run: Path, *, observed: bool = False) -> AsyncIterator[Shop]:
    """Nothing of it is left afterwards."""
    name = f"b{token_hex(4)}"
    deployment = Deployment.new(
        EVERYBODY if observed else SERVICES, administrator(servers, name), servers.amqp, f"{name}_"
    )
    await deployment.provision()
    await Management(servers.management, name).permit(urlsplit(servers.amqp).username or "", ".*", ".*", ".*")
    try:
        yield Shop(deployment, in_vhost(servers.amqp, name), run)
    finally:
        await deployment.remove()


def ours(
    replicas: int = 1, *, observed: bool = False
) -> Callable[[Servers, Path], AbstractAsyncContextManager[Running]]:
    @asynccontextmanager
    async def start(servers: Servers, run: Path) -> AsyncIterator[Running]:
        async with provisioned(servers, run, observed=observed) as shop:
            with shop.open(replicas) as running:
                yield running

    return start


def in_vhost(amqp_url: str, vhost: str) -> str:
    return urlunsplit(urlsplit(amqp_url)._replace(path=f"/{vhost}"))
