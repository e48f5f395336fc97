"""What was said is kept for a while and can be said again, and a restored service hears it in an order that is safe."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest
from prometheus_client import REGISTRY

from saga import retelling
from saga.deadletters import Databases
from saga.retelling import Span, retell
from saga.testing import eventually
from tests.component.conftest import Toy
from tests.component.toy.handlers import Done, Undone, Unwanted, Wanted, toy
from tests.conftest import QUICK_TIERS


async def test_what_was_said_is_said_again_under_its_own_id(toys: Toy, new_id: UUID) -> None:
    """And is in the archive once, before and after."""
    async with toys.running():
        await toys.stage.say(Wanted(toy_id=new_id))
        await toys.stage.hears(Done, new_id)
        (kept,) = await eventually(partial(_archived, toys, [new_id]))
        assert await retell([toy], _databases(toys), _all_of(new_id)) == 1
        await eventually(lambda: _heard(toys, new_id, times=2))
        assert await eventually(partial(_archived, toys, [new_id])) == [kept]
    assert [e.id for e in toys.stage.heard if isinstance(e.data, Done) and e.saga_id == str(new_id)] == [str(kept)] * 2


async def test_only_what_is_asked_for_is_said_again(toys: Toy) -> None:
    """Of that time, that type and that saga."""
    before, after = uuid4(), uuid4()
    async with toys.running():
        await toys.stage.say(Wanted(toy_id=before))
        await eventually(partial(_archived, toys, [before]))
        (row,) = await toys.fetch("SELECT said_at FROM saga.said WHERE saga_id = $1", str(before))
        await toys.stage.say(Wanted(toy_id=after), Unwanted(toy_id=after))
        await toys.stage.hears(Undone, after)
        await eventually(lambda: _archives(toys, [after], 2))
    databases, later = _databases(toys), row["said_at"] + timedelta(microseconds=1)
    count = partial(retelling.count, toy, databases)
    assert await count(Span(later)) == {"toy.done.v1": 1, "toy.undone.v1": 1}
    assert await count(Span(row["said_at"], later)) == {"toy.done.v1": 1}
    assert await count(Span(later, event_type="toy.undone.v1")) == {"toy.undone.v1": 1}
    assert await count(Span(row["said_at"], saga_id=str(before))) == {"toy.done.v1": 1}
    assert await retell([toy], databases, Span(later, event_type="toy.undone.v1", saga_id=str(after))) == 1
    again = await toys.fetch("SELECT saga_id, routing_key FROM saga.outbox JOIN saga.said USING (id, said_at)")
    assert [tuple(row) for row in again] == [(str(after), "toy.undone.v1")]
    async with toys.running():
        await eventually(lambda: _archives(toys, [after], 2))


async def test_an_outbox_gets_no_more_than_its_service_publishes(toys: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunk by chunk, in the order in which it was said; whoever waits is told for whom."""
    sagas = [uuid4() for _ in range(50)]
    async with toys.running():
        for saga in sagas:
            await toys.stage.say(Wanted(toy_id=saga))
            await toys.stage.hears(Done, saga)
        await eventually(lambda: _archives(toys, sagas, 50))
    monkeypatch.setattr(retelling.retelling, "CHUNK", 10)
    monkeypatch.setattr(retelling.retelling, "FULL", 15)
    monkeypatch.setattr(retelling.retelling, "SILENCE", 0.0)
    (first,) = await toys.fetch("SELECT said_at FROM saga.said WHERE saga_id = $1", str(sagas[0]))
    told: list[str] = []
    telling = asyncio.create_task(retell([toy], _databases(toys), Span(first["said_at"]), told.append))
    await eventually(lambda: _truth(told))
    waiting = await toys.fetch("SELECT saga_id FROM saga.outbox JOIN saga.said USING (id, said_at) ORDER BY id")
    assert [row["saga_id"] for row in waiting] == [str(saga) for saga in sagas[:20]]
    assert told == ["toy has 20 events to publish: does it run?"]
    async with toys.running():
        assert await telling == 50
        await eventually(lambda: _archives(toys, sagas, 50))


async def test_nothing_is_archived_without_a_horizon(toys: Toy, new_id: UUID) -> None:
    async with toys.running(retell_horizon=timedelta(0)):
        await toys.stage.say(Wanted(toy_id=new_id))
        await toys.stage.hears(Done, new_id)
        await eventually(lambda: _nothing_waits(toys))
    assert await _archived(toys, [new_id]) == []


async def test_days_past_the_horizon_are_dropped_and_coming_ones_made(toys: Toy) -> None:
    """What has waited for longer than that goes, too; a day goes when all of it is past."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for days in (4, 3, 2):
        day = today - timedelta(days=days)
        await toys.fetch(
            f"CREATE TABLE saga.said_{day:%Y%m%d} PARTITION OF saga.said"
            f" FOR VALUES FROM ('{day.isoformat()}') TO ('{(day + timedelta(days=1)).isoformat()}')"
        )
    coming = today + timedelta(days=3)
    await toys.fetch(f"DROP TABLE saga.said_{coming:%Y%m%d}")
    part_past, past = timedelta(days=1, hours=23), timedelta(days=3, hours=1)
    ages = (part_past, past, timedelta(days=9), timedelta(days=-3))
    for age in ages:
        await toys.fetch(
            """INSERT INTO saga.said (id, exchange, routing_key, saga_id, body, said_at)
               VALUES (gen_random_uuid(), 'toy', 'old', 'old', '', $1)""",
            today - age,
        )
    assert len(await _found_in(toys, "said_strays")) == 2
    async with toys.running(retell_horizon=timedelta(days=2)):
        await eventually(partial(_gone, toys, f"said_{today - timedelta(days=4):%Y%m%d}"))
        await eventually(partial(_gone, toys, f"said_{today - timedelta(days=3):%Y%m%d}"))
    assert await _found_in(toys, "said_strays") == []
    assert await _found_in(toys, f"said_{today - timedelta(days=2):%Y%m%d}") == [today - part_past]
    assert await _found_in(toys, f"said_{coming:%Y%m%d}") == [coming]


async def test_a_day_of_which_something_is_still_to_be_published_is_kept(toys: Toy, new_id: UUID) -> None:
    """However old it is: until the broker has confirmed it, or a person has given it up."""
    kept, gone = (datetime.now(UTC).replace(hour=12, minute=0) - timedelta(days=days) for days in (5, 6))
    for day in (kept, gone):
        first = day.replace(hour=0, second=0, microsecond=0)
        await toys.fetch(
            f"CREATE TABLE saga.said_{day:%Y%m%d} PARTITION OF saga.said"
            f" FOR VALUES FROM ('{first.isoformat()}') TO ('{(first + timedelta(days=1)).isoformat()}')"
        )
        await toys.fetch(
            """INSERT INTO saga.said (id, exchange, routing_key, saga_id, body, said_at)
               VALUES (gen_random_uuid(), 'toy', 'toy.lost.v1', $1, '', $2)""",
            str(new_id),
            day,
        )
    await toys.fetch(
        "INSERT INTO saga.outbox SELECT id, said_at, 0, 'infinity' FROM saga.said WHERE said_at = $1", kept
    )
    async with toys.running(retell_horizon=timedelta(days=2)):
        await eventually(partial(_gone, toys, f"said_{gone:%Y%m%d}"))
    (row,) = await toys.fetch("SELECT said_at FROM saga.said WHERE saga_id = $1", str(new_id))
    assert row["said_at"] == kept
    await toys.fetch("DELETE FROM saga.outbox")


async def test_a_restored_service_does_first_what_it_undoes_later(toys: Toy, new_id: UUID) -> None:
    """An undo that it hears before what it has forgotten waits, at no cost, until it is started as usual."""
    before = _held_back()
    async with toys.running(restored=True):
        await toys.stage.say(Unwanted(toy_id=new_id))
        await eventually(lambda: _truth(_held_back() > before + len(QUICK_TIERS)))
        await toys.stage.say(Wanted(toy_id=new_id))
        await toys.stage.hears(Done, new_id)
        assert await toys.marks(new_id) == ["done"]
    async with toys.running():
        await toys.stage.hears(Undone, new_id)
    assert await toys.marks(new_id) == ["done", "undone"]
    assert await toys.stage.take_dead_letters("toy") == []


def _databases(toys: Toy) -> Databases:
    return Databases(toys.deployment.administrator.postgres, toys.deployment.prefix)


def _all_of(saga: UUID) -> Span:
    return Span(datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(hours=1), saga_id=str(saga))


async def _archived(toys: Toy, sagas: Sequence[UUID]) -> list[UUID]:
    """What was said of these, and is not waiting to be published."""
    rows = await toys.fetch(
        """SELECT id FROM saga.said
           WHERE saga_id = ANY ($1) AND NOT EXISTS (SELECT FROM saga.outbox WHERE outbox.id = said.id)""",
        [str(saga) for saga in sagas],
    )
    return [row["id"] for row in rows]


async def _archives(toys: Toy, sagas: Sequence[UUID], events: int) -> bool:
    return len(await _archived(toys, sagas)) == events


async def _heard(toys: Toy, saga: UUID, times: int) -> bool:
    return toys.stage.types_of(saga).count("toy.done.v1") == times


async def _nothing_waits(toys: Toy) -> bool:
    return not await toys.fetch("SELECT FROM saga.outbox")


async def _found_in(toys: Toy, partition: str) -> list[datetime]:
    rows = await toys.fetch(
        "SELECT said_at FROM saga.said WHERE tableoid::regclass::text = $1 AND saga_id = 'old'", f"saga.{partition}"
    )
    return [row["said_at"] for row in rows]


async def _gone(toys: Toy, partition: str) -> bool:
    return (await toys.fetch("SELECT to_regclass($1) IS NULL AS gone", f"saga.{partition}"))[0]["gone"] is True


def _held_back() -> float:
    """How often a message has gone to the last tier."""
    return REGISTRY.get_sample_value("saga_messages_retried_total", {"service": "toy", "tier": "200ms"}) or 0


async def _truth(what: object) -> bool:
    return bool(what)
