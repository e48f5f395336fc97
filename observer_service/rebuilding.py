"""Telling everything anew from what was kept, while it goes on being heard."""

from collections import defaultdict
from collections.abc import Callable

import asyncpg

from observer_service import store
from observer_service.retelling import retell
from saga import Pool, transaction
from saga.choreography import Choreography
from saga.overhearing import Course, Diverted, Overheard

CHUNK = 500
"""Sagas that are told in one transaction."""


async def rebuild(pool: Pool, choreography: Choreography, tell: Callable[[int], None] = lambda _: None) -> int:
    """Have every saga stand where its events say, whatever was stored of it; how many there are.

    `tell` is told how many were done, now and then.
    """
    done, after = 0, ""
    while True:
        async with transaction(pool) as tx:
            rows = await tx.fetch(store.sql.sagas_kept, after, CHUNK)
            if not rows:
                return done
            ids = [row["saga_id"] for row in rows]
            await store.lock(tx, ids)  # who hears of them meanwhile, waits, and adds to what is told here
            heard: defaultdict[str, list[Overheard]] = defaultdict(list)
            for row in await tx.fetch(store.sql.facts_between, ids[0], ids[-1]):
                heard[row["saga_id"]].append(_event(row))
            for row in await tx.fetch(store.sql.diversions_between, ids[0], ids[-1]):
                heard[row["saga_id"]].append(diversion(row))
            await retell(choreography, tx, heard, anew=True)
        done, after = done + len(ids), ids[-1]
        tell(done)


def _event(row: asyncpg.Record) -> Overheard:
    return Overheard(
        id=row["id"],
        source=row["source"],
        type=row["type"],
        saga_id=row["saga_id"],
        time=row["time"],
        causationid=row["causationid"],
        traceparent=None,
        exchange="",
        body=b"",
        is_whole=True,
    )


def diversion(row: asyncpg.Record) -> Overheard:
    """What became of a message, as it was kept."""
    what = Diverted(row["service"], Course(row["course"]), row["at"], row["attempt"], row["error"], row["reason"])
    return Overheard(
        row["id"], "", row["type"], row["saga_id"], row["at"], None, None, "", b"", is_whole=True, diverted=what
    )
