"""What a service asks of itself as time goes by, on a watchman who looks at whatever is marked `wanted`."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

import asyncpg
import pytest
from fastapi import APIRouter
from pydantic_settings import SettingsConfigDict

from events import Event
from infra.local.servers import Servers
from saga import Command, Service, Settings, Tx
from saga.provisioning import Deployment
from saga.testing import Stage, eventually, running
from tests.conftest import on_stage


class AboutWatch(Event):
    watch_id: UUID

    @property
    def saga_id(self) -> str:
        return str(self.watch_id)


class Noted(AboutWatch, event_type="watch.noted.v1", exchange="watch_outside"):
    """Somebody has something to say, which takes its time to be heard."""


class Seen(AboutWatch, event_type="watch.seen.v1", exchange="watch"):
    pass


class Look(Command):
    watch_id: UUID

    @property
    def saga_id(self) -> str:
        return str(self.watch_id)


class WatchSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="WATCH_")


watch = Service("watch", package="tests.component.toy")
PERIOD = timedelta(milliseconds=50)


@watch.on(Look)
async def look(command: Look, tx: Tx) -> Seen:
    await tx.execute("INSERT INTO mark (saga_id, what) VALUES ($1, 'seen')", command.saga_id)
    return Seen(watch_id=command.watch_id)


@watch.every(PERIOD)
async def look_around(_: WatchSettings, tx: Tx) -> Sequence[Look]:
    """Never satisfied: it asks for the same again and again."""
    await tx.execute("INSERT INTO mark (saga_id, what) VALUES ('clock', 'rung')")
    wanted = await tx.fetch("SELECT saga_id FROM mark WHERE what = 'wanted'")
    return [Look(watch_id=UUID(row["saga_id"])) for row in wanted]


@watch.on(Noted)
async def note(noted: Noted, tx: Tx) -> None:
    await asyncio.sleep(0.03)
    await tx.execute("INSERT INTO mark (saga_id, what) VALUES ($1, 'noted')", noted.saga_id)


@dataclass
class Watch:
    deployment: Deployment
    stage: Stage
    database: "asyncpg.Connection[asyncpg.Record]"

    def running(self, **overrides: int) -> AbstractAsyncContextManager[str]:
        return running(self.deployment, watch, WatchSettings, APIRouter(), None, **overrides)

    async def wants(self, *sagas: UUID) -> None:
        await self.database.executemany("INSERT INTO mark VALUES ($1, 'wanted')", [(str(saga),) for saga in sagas])

    async def marks(self, what: str) -> list[str]:
        rows = await self.database.fetch("SELECT saga_id FROM mark WHERE what = $1 ORDER BY made_at", what)
        return [row["saga_id"] for row in rows]

    async def rung(self, times: int) -> bool:
        """Whether it has rung so often, from when this is first asked."""
        return len(await self.marks("rung")) >= times


@pytest.fixture
async def watched(servers: Servers) -> AsyncIterator[Watch]:
    async with on_stage(servers, [watch]) as (deployment, stage):
        database = await asyncpg.connect(deployment.database_url("watch"))
        yield Watch(deployment, stage, database)
        await database.close()


async def test_what_an_alarm_asks_is_done_once_and_said(watched: Watch, new_id: UUID) -> None:
    """However often it asks: as with anything asked at a door, the effect and the event commit together, once."""
    await watched.wants(new_id)
    async with watched.running():
        await watched.stage.hears(Seen, new_id)
        await eventually(partial(watched.rung, len(await watched.marks("rung")) + 5))
    assert await watched.marks("seen") == [str(new_id)]
    assert watched.stage.types_of(new_id) == ["watch.seen.v1"]


async def test_what_has_been_done_before_makes_an_alarm_ring_no_faster(watched: Watch, new_id: UUID) -> None:
    """It rings again at once only while something follows from it."""
    await watched.wants(new_id)
    async with watched.running():
        await watched.stage.hears(Seen, new_id)
        before = len(await watched.marks("rung"))
        await asyncio.sleep(10 * PERIOD.total_seconds())
        assert len(await watched.marks("rung")) - before <= 10 / 0.8 + 1


async def test_no_alarm_rings_before_the_service_has_caught_up(watched: Watch, new_id: UUID) -> None:
    """What waited in the queue when it started is heard first, by however many it is handled at once."""
    await watched.wants(new_id)
    noted = [uuid4() for _ in range(20)]
    await watched.stage.say(*(Noted(watch_id=watch_id) for watch_id in noted))
    await eventually(partial(_waits, watched, len(noted)))
    async with watched.running(batch=3, prefetch=6):
        await watched.stage.hears(Seen, new_id)
    told = await watched.database.fetch("SELECT what FROM mark WHERE what <> 'wanted' ORDER BY made_at LIMIT 21")
    assert [row["what"] for row in told] == ["noted"] * 20 + ["rung"]


async def test_replicas_do_what_an_alarm_asks_once(watched: Watch) -> None:
    sagas = [uuid4() for _ in range(200)]
    await watched.wants(*sagas)
    async with watched.running(), watched.running():
        for saga in sagas:
            await watched.stage.hears(Seen, saga)
    assert sorted(await watched.marks("seen")) == sorted(map(str, sagas))


async def test_an_accident_is_over_with_the_next_period(watched: Watch, new_id: UUID) -> None:
    """Nothing of that ring has happened, and the service goes on."""
    await watched.wants(new_id)
    await watched.database.execute("INSERT INTO mark (saga_id, what) VALUES ('not a uuid', 'wanted')")
    async with watched.running():
        other = uuid4()
        await watched.stage.say(Noted(watch_id=other))
        await eventually(partial(watched.marks, "noted"))
        assert await watched.marks("rung") == []
        await watched.database.execute("DELETE FROM mark WHERE saga_id = 'not a uuid'")
        await watched.stage.hears(Seen, new_id)


async def _waits(watched: Watch, messages: int) -> bool:
    return await watched.stage.waiting("watch") == messages
