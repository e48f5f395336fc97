"""A shop that lives by a calendar of the test's own, and what it takes up as the days go by."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import jwt

from events import Event, OrderCancelled, OrderPlaced
from infra.local.binaries import find_postgres
from infra.local.postgres import Postgres
from infra.local.process import Children
from infra.local.servers import Servers
from infra.local.system import SERVICES, services
from saga.database import queries
from saga.provisioning import DatabaseServer
from saga.testing import Stage, enveloped, eventually
from saga.tokens import ALGORITHM
from tests.conftest import deployed, in_vhost
from tests.fault.calendar import Calendar
from tests.saga.shop import Shop, order_data, order_for

sql = queries(__file__, "months.sql")

SHARES = {"RETENTION": 1, "INBOX_RETENTION": 3, "REPLAY_HORIZON": 7, "RETELL_HORIZON": 18}
"""The retention is so many times as long as each: about as the defaults are, 90, 30, 14 and 2 days."""
HOUSEKEEPING = {"HOUSEKEEPING": "100ms"}
"""Several times a day."""
TOKEN_VALID = timedelta(days=365)
WITHIN = 60.0
"""Seconds. A day's orders end sooner, on a machine that does nothing else."""


@dataclass(frozen=True)
class Footprint:
    """What the four services take up, by names. The simulated gateway and carrier, which are none of theirs, don't
    count: the outside world never forgets.
    """

    day: int
    partitions: Mapping[str, int]
    """Days in the inboxes."""
    rows: Mapping[str, int]
    sizes: Mapping[str, int]
    """Bytes of the tables, with their indexes."""
    catalogs: Mapping[str, int]
    """Bytes of the database's own tables, in which partitions come and go."""
    memory: Mapping[str, int]
    """Bytes that the processes hold."""


@dataclass
class Months:
    """`databases` are connections as the administrator, by service."""

    retention: timedelta
    calendar: Calendar
    shop: Shop
    databases: Mapping[str, "asyncpg.Connection[asyncpg.Record]"]
    blocked: list[OrderPlaced] = field(default_factory=list)
    """Orders that were cancelled the day before they are placed."""
    doors: asyncio.Semaphore = field(default_factory=partial(asyncio.Semaphore, 8))
    """So many ask at once: more than there are connections to a database may have to wait for too long."""

    async def live_through_a_day(self, each: int) -> None:
        """So many orders of each kind, to their end; some of those of tomorrow are cancelled today.

        The cancelled ones come and go through the front door.
        """
        dispatched, cancelled, tomorrow = ([order_for() for _ in range(each)] for _ in range(3))
        declined = [order_for(payment_method="pm_card_chargeDeclined") for _ in range(each)]
        refused = [order_for(country=country, sku=sku) for country, sku in (("AQ", "CHAIR"), ("GB", "SOFA")) * each]
        others = [*dispatched, *declined, *refused, *self.blocked]
        await self._say(*(OrderCancelled(order_id=order.order_id) for order in tomorrow), *others)
        await asyncio.gather(*(self._post("order", "/orders", order_data(order)) for order in cancelled))
        await self._until(sql.fulfilled, [*dispatched, *cancelled])
        await asyncio.gather(
            *(self._post("shipping", f"/shipments/{order.order_id}/dispatch") for order in dispatched),
            *(self._post("order", f"/orders/{order.order_id}/cancel") for order in cancelled),
        )
        await self._until(sql.ended, [*cancelled, *others, *tomorrow])
        self.blocked = tomorrow

    async def vacuum(self) -> None:
        """As a server does by itself, many times on a day that lasts longer.

        This one doesn't: it takes locks from its own vacuum when somebody has waited for a second, and those who wait
        are shown two times.
        """
        for database in self.databases.values():
            await database.execute("VACUUM")

    async def footprint(self, day: int) -> Footprint:
        """When nothing moves, and all that is past retention has been forgotten."""
        await self.shop.settled()
        for database in self.databases.values():
            await eventually(partial(database.fetchval, sql.has_forgotten, self.retention), WITHIN)
        await self.vacuum()
        rows = {}
        for service, database in self.databases.items():
            for table in await database.fetch(sql.tables):
                rows[f"{service} {table['name']}"] = await database.fetchval(f"SELECT count(*) FROM {table['name']}")
        return Footprint(
            day,
            partitions=await self._of_each(sql.partitions),
            rows=rows,
            sizes=await self._of_each(sql.size),
            catalogs=await self._of_each(sql.size_of_catalogs),
            memory={service: _resident(self.shop.services.pid(service)) for service in self.databases},
        )

    async def _of_each(self, query: str) -> dict[str, int]:
        return {service: int(await database.fetchval(query)) for service, database in self.databases.items()}

    async def _say(self, *events: Event) -> None:
        """Today."""
        today = self.calendar.now()
        said = (replace(enveloped(event), time=today) for event in events)
        await asyncio.gather(*(self.shop.stage.say(envelope) for envelope in said))

    async def _post(self, service: str, path: str, body: object = None) -> None:
        async with self.doors:
            answer = await self.shop.post(service, path, body, **{"Idempotency-Key": str(uuid4())})
        assert answer.is_success, answer.text

    async def _until(self, query: str, orders: Sequence[OrderPlaced]) -> None:
        ids = [order.order_id for order in orders]

        async def all_of_them() -> bool:
            reached: int = await self.databases["order"].fetchval(query, ids)
            return reached == len(ids)

        await eventually(all_of_them, WITHIN)


@asynccontextmanager
async def months(calendar: Calendar, servers: Servers, run: Path, retention: timedelta) -> AsyncIterator[Months]:
    """The shop, with a PostgreSQL of its own; both believe in the calendar. The broker needn't."""
    terms = {name: f"{(retention / share).total_seconds()}s" for name, share in SHARES.items()} | HOUSEKEEPING
    told = {f"{service.name}_{name}".upper(): value for service in SERVICES for name, value in terms.items()}
    binaries = find_postgres()
    assert binaries is not None
    async with AsyncExitStack() as stack:
        postgres = Postgres(binaries, run, stack.enter_context(Children()), calendar.environment)
        postgres.wait()
        await DatabaseServer(postgres.url).execute("ALTER SYSTEM SET autovacuum = off")
        await DatabaseServer(postgres.url).execute("SELECT pg_reload_conf()")
        deployment = await stack.enter_async_context(deployed(replace(servers, postgres=postgres.url), SERVICES))
        stage = Stage(in_vhost(servers.amqp, deployment.administrator.vhost))
        stack.push_async_callback(stage.close)
        valid = {"sub": "test", "iat": 0, "exp": calendar.now() + TOKEN_VALID}
        token = jwt.encode(valid, deployment.api_secret, ALGORITHM)  # not issued in anybody's future
        http = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
            limits=httpx.Limits(max_keepalive_connections=0),  # one that is idle for a while, the service closes
        )
        await stack.enter_async_context(http)
        processes = stack.enter_context(services(deployment, run, {**told, **calendar.environment}))
        databases = {}
        for service in SERVICES:
            url = DatabaseServer(postgres.url).url_of(f"{deployment.prefix}{service.name}")
            databases[service.name] = await asyncpg.connect(url)
            stack.push_async_callback(databases[service.name].close)
        yield Months(retention, calendar, Shop(deployment, processes, stage, http), databases)


def _resident(pid: int) -> int:
    (line,) = (line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def table(footprints: Sequence[Footprint]) -> str:
    """As Markdown: a line for what was measured, a column for each day."""
    lines = [f"| | {' | '.join(f'day {each.day}' for each in footprints)} |", "|---" * (len(footprints) + 1) + "|"]
    for measure in ("partitions", "rows", "sizes", "catalogs", "memory"):
        for name in getattr(footprints[0], measure):
            cells = " | ".join(f"{getattr(each, measure)[name]:,}" for each in footprints)
            lines.append(f"| {measure} of {name} | {cells} |")
    return "\n".join(lines) + "\n"
