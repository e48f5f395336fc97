"""What is past retention is forgotten, a little at a time, and nothing else is."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from functools import partial
from uuid import UUID

import asyncpg

from saga import housekeeping
from saga.database import sql
from saga.testing import eventually
from tests.component.conftest import Toy
from tests.component.toy.handlers import Done, Found, Undone, Unwanted, Wanted

RETENTION = timedelta(days=60)
OFTEN = timedelta(milliseconds=50)


async def test_steps_past_retention_are_forgotten_chunk_by_chunk(toys: Toy) -> None:
    """Until none is left that is older, all in one go; the younger stay."""
    await _entered(toys, "old", 2 * housekeeping.CHUNK + 1, RETENTION + timedelta(minutes=1))
    await _entered(toys, "young", 3, RETENTION - timedelta(days=1))
    async with toys.running(retention=RETENTION, housekeeping=timedelta(hours=1)):
        await eventually(partial(_forgotten, toys, "old"))
    assert await _remembered(toys, "young") == 3


async def test_a_step_is_remembered_from_when_it_was_undone(toys: Toy, new_id: UUID) -> None:
    """Else the undo of an old saga could run again at once."""
    async with toys.running(retention=RETENTION, housekeeping=OFTEN):
        await toys.stage.say(Wanted(toy_id=new_id))
        await toys.stage.hears(Done, new_id)
        await toys.fetch(
            "UPDATE saga.fence SET entered_at = now() - interval '59 days' WHERE saga_id = $1", str(new_id)
        )
        await toys.stage.say(Unwanted(toy_id=new_id))
        await toys.stage.hears(Undone, new_id)
    (entered,) = await toys.fetch(
        "SELECT state, now() - entered_at AS age FROM saga.fence WHERE saga_id = $1", str(new_id)
    )
    assert entered["state"] == "compensated"
    assert entered["age"] < timedelta(days=1)


async def test_facts_that_waited_for_others_in_vain_are_forgotten(toys: Toy, new_id: UUID) -> None:
    async with toys.running(retention=RETENTION, housekeeping=OFTEN):
        await toys.stage.say(Found(toy_id=new_id))
        await eventually(partial(_kept_facts, toys, new_id, 1))
        await toys.fetch(
            "UPDATE saga.joined SET changed_at = now() - interval '61 days' WHERE saga_id = $1", str(new_id)
        )
        await eventually(partial(_kept_facts, toys, new_id, 0))


async def test_messages_of_days_without_a_partition_are_forgotten_chunk_by_chunk(toys: Toy) -> None:
    """However many there are: the coming days are made whether or not all of them are gone."""
    await toys.fetch(
        """INSERT INTO saga.inbox (day, source, id, handled_at)
           SELECT '1999-12-31', 'test', n::text, now() - interval '31 days' * (n % 10 <> 0)::integer
           FROM generate_series(1, $1) AS n""",
        2 * housekeeping.CHUNK + 100,
    )
    async with toys.running(retention=RETENTION, inbox_retention=timedelta(days=30), housekeeping=OFTEN):
        await eventually(partial(_strays, toys, (2 * housekeeping.CHUNK + 100) // 10))
    await toys.fetch("DELETE FROM saga.inbox_strays")


async def test_what_one_work_cannot_do_keeps_it_from_no_other(toys: Toy) -> None:
    """Nor from its service: it is tried again next time."""
    await _entered(toys, "older", 1, timedelta(days=365))
    await toys.fetch("ALTER FUNCTION saga.keep_inbox RENAME TO keep_no_inbox")
    try:
        async with toys.running(retention=RETENTION, housekeeping=OFTEN):
            await eventually(partial(_forgotten, toys, "older"))
    finally:
        await toys.fetch("ALTER FUNCTION saga.keep_no_inbox RENAME TO keep_inbox")


async def test_whoever_hears_of_a_day_without_a_partition_and_the_housekeeping_do_not_wait_for_each_other(
    toys: Toy, new_id: UUID
) -> None:
    """A batch has remembered a message of today, and goes on with one of long ago, while days are dropped and made."""
    (coming,) = await toys.fetch("SELECT to_char((now() AT TIME ZONE 'UTC')::date + 3, 'YYYYMMDD') AS day")
    await toys.fetch(f"DROP TABLE saga.inbox_{coming['day']}")
    await toys.fetch(
        "CREATE TABLE saga.inbox_20200101 PARTITION OF saga.inbox FOR VALUES FROM ('2020-01-01') TO ('2020-01-02')"
    )
    remember = "INSERT INTO saga.inbox (day, source, id) VALUES ($1, 'test', $2)"
    hearing, keeping = await asyncpg.connect(toys.database), await asyncpg.connect(toys.database)
    try:
        transaction = hearing.transaction()
        await transaction.start()
        await hearing.execute(remember, datetime.now(UTC).date(), f"{new_id} today")
        kept = asyncio.create_task(keeping.execute(sql.keep_inbox, timedelta(days=30)))
        await eventually(partial(toys.fetch, "SELECT FROM pg_locks WHERE NOT granted"))
        async with asyncio.timeout(0.5):  # the server looks for deadlocks after a second
            await hearing.execute(remember, date(2019, 1, 1), f"{new_id} long ago")
        await transaction.commit()
        await kept
    finally:
        await hearing.close()
        await keeping.close()
    assert (await toys.fetch("SELECT to_regclass('saga.inbox_20200101') AS gone"))[0]["gone"] is None


async def _entered(toys: Toy, name: str, steps: int, ago: timedelta) -> None:
    """So many steps were done then, the earlier the more seconds before."""
    await toys.fetch(
        """INSERT INTO saga.fence (saga_id, step, state, entered_at)
           SELECT $1 || ' ' || number, 'do', 'done', now() - $3::interval - number * interval '1 second'
           FROM generate_series(1, $2::integer) AS number""",
        name,
        steps,
        ago,
    )


async def _remembered(toys: Toy, name: str) -> int:
    rows = await toys.fetch("SELECT count(*) AS steps FROM saga.fence WHERE saga_id LIKE $1 || ' %'", name)
    return int(rows[0]["steps"])


async def _strays(toys: Toy, count: int) -> bool:
    (found,) = await toys.fetch("SELECT count(*) FROM saga.inbox_strays")
    return bool(found["count"] == count)


async def _forgotten(toys: Toy, name: str) -> bool:
    return await _remembered(toys, name) == 0


async def _kept_facts(toys: Toy, saga: UUID, rows: int) -> bool:
    found = await toys.fetch("SELECT 1 FROM saga.joined WHERE saga_id = $1", str(saga))
    assert len(found) == rows
    return True
