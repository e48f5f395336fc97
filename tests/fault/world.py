"""The whole shop, with servers that can be hurt and wires that can be cut, under a steady load of orders."""

import asyncio
import sys
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import httpx

from infra.local.process import Children
from infra.local.system import SERVICES, Services, administrator
from saga import Service
from saga.audit import audit
from saga.broker import ELECTION
from saga.database import queries
from saga.errors import ProvisioningFailed
from saga.faultpoints import Point
from saga.provisioning import DatabaseServer, Deployment, Management
from saga.testing import Stage, eventually
from saga.tokens import mint_token
from tests.conftest import in_vhost
from tests.fault.bookkeeper.handlers import bookkeeper
from tests.fault.load import Load
from tests.fault.parrot import Parrot, parroting
from tests.fault.servers import HurtableServers, hurtable_servers
from tests.fault.wires import Wires

sql = queries(__file__, "world.sql")

TIERS = (timedelta(milliseconds=500), timedelta(seconds=2), timedelta(seconds=5))
VHOST = "chaos"
LOST_ANSWERS = {"PAYMENT_GATEWAY_TIMEOUT_RATE": "0.1", "SHIPPING_CARRIER_TIMEOUT_RATE": "0.1"}
"""A tenth of the gateway's and the carrier's answers get lost after they have acted."""
LEADERLESS = (3, 12)
ELECT = """[begin ra:trigger_election({Queue, node()}), Queue end || {Queue, _} <- [amqqueue:get_pid(Q) ||
 Q <- rabbit_amqqueue:list(), amqqueue:get_type(Q) == rabbit_quorum_queue],
 ra_leaderboard:lookup_leader(Queue) == undefined]."""
"""Trigger an election for each quorum queue that has no leader, and tell which these were."""
DRAINED_WITHIN = 300.0


@dataclass
class Commands:
    """How each service is started: as a puppet, told at which fault point to die the next times, and which clock to
    believe until told otherwise.
    """

    diary: Path
    mutant: str | None = None
    next_times: defaultdict[str, deque[list[str]]] = field(default_factory=lambda: defaultdict(deque))
    clocks: dict[str, list[str]] = field(default_factory=dict)

    def __call__(self, service: Service) -> list[str]:
        name = service.name
        puppet = [sys.executable, "-m", "tests.fault.puppet", service.package, "--diary", str(self.diary)]
        told = self.next_times[name].popleft() if self.next_times[name] else []
        breaking = ["--mutant", self.mutant] if self.mutant else []
        return [*self.clocks.get(name, []), *puppet, *breaking, *told]


@dataclass
class World:
    """`revived` counts how often each service was started again; `elected`, for how many queues by hand."""

    run: Path
    seed: int
    servers: HurtableServers
    deployment: Deployment
    services: Services
    wires: Wires
    load: Load
    parrot: Parrot
    commands: Commands
    revived: Counter[str] = field(default_factory=Counter)
    elected: int = 0
    loading: asyncio.Task[None] = field(init=False)

    @property
    def amqp(self) -> str:
        """The broker as its administrator sees it, past all wires."""
        return in_vhost(self.servers.servers.amqp, VHOST)

    async def supervise(self) -> None:
        """Start again what has ended, as whoever runs services does. Until cancelled."""
        while True:
            for name in self.services.revive():
                self.revived[name] += 1
            await asyncio.sleep(0.1)

    async def elect_missing_leaders(self) -> None:
        """What the operations page tells to do with a RabbitMQ up to 3.12, which may leave a queue without a leader."""
        version = await asyncio.to_thread(self.servers.rabbitmqctl, "--quiet", "version")
        if tuple(map(int, version.strip().split(".")[:2])) > LEADERLESS:
            return
        await asyncio.sleep(ELECTION)  # most elections are over by then
        elected = await asyncio.to_thread(self.servers.rabbitmqctl, "--quiet", "eval", ELECT)
        self.elected += elected.count("chaos_")

    def deaths(self) -> Counter[tuple[str, Point]]:
        """How often each service has died at each fault point, as it wrote itself in its last moment."""
        written = self.commands.diary.read_text().split() if self.commands.diary.exists() else []
        return Counter((service, Point(point)) for service, point in (line.split("@") for line in written))

    async def died_at(self, service: str, point: Point) -> None:
        """Return when it has once more died there."""
        deaths = self.deaths()[service, point]

        async def has_died() -> bool:
            assert self.deaths()[service, point] > deaths, f"{service} never came by {point}"
            return True

        await eventually(has_died, within=300)

    async def alive(self, name: str) -> None:
        """Return when there is a process of this service, ready or not."""

        async def is_alive() -> bool:
            return self.services.pid(name) != 0

        await eventually(is_alive)

    async def ready(self, *names: str) -> None:
        """Return when these services are."""
        await asyncio.to_thread(self.services.wait, *names)

    async def ask(self, service: str, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Ask a service's database, past all wires."""
        url = DatabaseServer(self.deployment.administrator.postgres).url_of(service)
        connection = await asyncpg.connect(url, timeout=10)
        try:
            return await connection.fetch(query, *arguments)
        finally:
            await connection.close()

    async def unfinished(self, orders: list[UUID]) -> int:
        """How many of these have no final status yet, or aren't even known."""
        rows = await self.ask("order", sql.finished, orders)
        return len(orders) - int(rows[0][0])

    async def drained(self) -> None:
        """Return when nothing moves any more: no outbox row, no open call, no message but dead letters."""
        quiet = 0

        async def is_quiet() -> bool:
            nonlocal quiet
            try:
                moving = await self._moving()
            except (OSError, asyncpg.PostgresError, ProvisioningFailed) as error:
                moving = [repr(error)]
            quiet = 0 if moving else quiet + 1
            assert not moving, moving
            await asyncio.sleep(0.5)
            return quiet >= 4  # between two looks a message may go from a queue to an outbox

        await eventually(is_quiet, within=DRAINED_WITHIN)

    async def _moving(self) -> list[str]:
        counts = await Management(self.servers.servers.management, VHOST).queue_counts()
        moving = [f"{name}: {count}" for name, count in counts.items() if count and not name.endswith(".dead")]
        for service in self.deployment.services:
            rows = await self.ask(service.name, sql.moving)
            moving += [f"{service.name}: {row['what']} {row['rows']}" for row in rows]
        return moving

    async def judge(self) -> list[str]:
        """What is wrong, now that nothing moves: orders with their stories first. Empty, if every promise was kept."""
        told = await audit(
            self.deployment.services, self.deployment.administrator, prefix=self.deployment.prefix, settled=True
        )
        wrong = [str(found) for found in (*told.breaches, *told.doubts)]
        wrong += await self._broken_promises()
        wrong += [f"{row['saga_id']}: {row['type']} was handled {row['times']} times" for row in await self._twice()]
        wrong += await self._dead_letters()
        return wrong

    async def _broken_promises(self) -> list[str]:
        rows = await self.ask("order", sql.statuses, list(self.load.promises))
        ended = {UUID(int=row["order_id"].int): (row["status"], row["reason"]) for row in rows}
        return [
            f"{order_id}: {promise} ended as {ended.get(order_id)}"
            for order_id, promise in self.load.promises.items()
            if order_id not in ended or not promise.kept(*ended[order_id])
        ]

    async def _twice(self) -> list[asyncpg.Record]:
        return await self.ask("bookkeeper", sql.counted_twice)

    async def _dead_letters(self) -> list[str]:
        """Exactly the messages that nobody can read have parked, at each of their hearers."""
        wrong = []
        stage = Stage(self.amqp)
        for service in self.deployment.services:
            letters = await stage.take_dead_letters(service.name)
            parked = {str(letter.message_id): letter for letter in letters}
            wanted = set(self.load.poison) if service.name in {"order", "inventory", "bookkeeper"} else set()
            wrong += [f"{service.name}: {lost} is lost" for lost in sorted(wanted - parked.keys())]
            wrong += [
                f"{service.name}: {parked[letter].headers.get('x-reason')!s} has parked"
                for letter in parked.keys() - wanted
            ]
        return wrong

    def stories(self, wrong: list[str], most: int = 3) -> str:
        """The timelines of the first orders that something is wrong with."""
        sagas = list(dict.fromkeys(word.strip(":,") for line in wrong for word in line.split() if len(word) >= 36))
        return "\n".join(f"{saga}\n  " + "\n  ".join(self.parrot.story(saga)) for saga in sagas[:most])


@asynccontextmanager
async def world(run: Path, seed: int, rate: float, mutant: str | None = None) -> AsyncIterator[World]:
    """Servers and services, ready, and orders coming in. `mutant` breaks a mechanism in all services."""
    with hurtable_servers(run) as servers, Wires() as wires, Children() as children:
        everyone = [*SERVICES, bookkeeper]
        deployment = Deployment.new(everyone, administrator(servers.servers, VHOST), servers.servers.amqp, "", TIERS)
        await deployment.provision()
        management = Management(servers.servers.management, VHOST)
        await management.permit(urlsplit(servers.servers.amqp).username or "", ".*", ".*", ".*")

        commands = Commands(run / "deaths", mutant)
        environment = {**LOST_ANSWERS, **_by_wires(deployment, wires)}
        services = Services(deployment, children, run, environment, command=commands)
        for name in services.ports:
            services.start(name)
        await asyncio.to_thread(services.wait, *services.ports)
        amqp = in_vhost(servers.servers.amqp, VHOST)
        token = mint_token(deployment.api_secret, "chaos", timedelta(days=3))
        load = Load(seed, amqp, {name: services.url(name) for name in services.ports}, token, rate)
        parrot = Parrot(amqp, ["orders", "inventory", "payment", "shipping"], run / "minutes.jsonl", seed)
        here = World(run, seed, servers, deployment, services, wires, load, parrot, commands)
        await _stock_up(here)
        async with parroting(parrot):
            here.loading = asyncio.create_task(load.run())
            supervising = asyncio.create_task(here.supervise())
            try:
                yield here
            finally:
                here.loading.cancel()
                supervising.cancel()
                await asyncio.wait([here.loading, supervising])


def _by_wires(deployment: Deployment, wires: Wires) -> dict[str, str]:
    """Each service's way to each server, on a wire of its own."""
    told = {}
    for service in deployment.services:
        for server, setting in (("broker", "amqp_url"), ("database", "database_url")):
            url = str(deployment.settings(service.name)[setting])
            told[f"{service.name}_{setting}".upper()] = wires.lay(f"{service.name}-{server}", url).through(url)
    return told


async def _stock_up(here: World) -> None:
    """Two skus that no warehouse has both of."""
    headers = {"Authorization": f"Bearer {here.load.token}"}
    async with httpx.AsyncClient(headers=headers) as http:
        for sku, warehouse in (("ONLY-BERLIN", "berlin"), ("ONLY-LEIPZIG", "leipzig")):
            count = {"warehouse": warehouse, "on_hand": 10**6}
            response = await http.put(f"{here.services.url('inventory')}/stock/{sku}", json=count)
            response.raise_for_status()
