"""From the archive of what was said back to the outbox."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from saga.database import Pool, queries, transaction
from saga.database import sql as runtime
from saga.deadletters import Databases
from saga.service import Service

sql = queries(__file__)

CHUNK = 1_000
"""Events handed over in one transaction."""
FULL = 10_000
"""Rows. An outbox that holds as many gets no more until its service has published some."""
PAUSE = 0.2
"""Seconds between two looks at a full outbox."""
SILENCE = 10.0
"""Seconds for which an outbox may stay full before that is told."""

_PATIENCE = 600.0
_FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Span:
    """What was said from `since` on and before `until`: all of it, or that of one type or one saga."""

    since: datetime
    until: datetime = field(default_factory=lambda: datetime.now(UTC))
    event_type: str | None = None
    saga_id: str | None = None


async def count(service: Service, databases: Databases, span: Span) -> Mapping[str, int]:
    """How many events of each type the service could say again."""
    async with databases.of(service) as pool, transaction(pool) as tx:
        await tx.execute(runtime.be_patient)
        what = (span.since, span.until, span.event_type, span.saga_id)
        return {row["type"]: row["events"] for row in await tx.fetch(sql.count_said, *what, timeout=_PATIENCE)}


async def retell(
    services: Sequence[Service], databases: Databases, span: Span, tell: Callable[[str], None] = lambda _: None
) -> int:
    """Have the services say it again, each in the order in which it said it, under the old ids; how many events.

    They do so while they run: `tell` is told of those that don't get on with it. Who has handled an event skips it, for
    as long as its inbox remembers, which is longer than archives do. If this ends early, what has been handed over
    is published, and the rest is not.
    """
    return sum(await asyncio.gather(*(_retell(service, databases, span, tell) for service in services)))


async def _retell(service: Service, databases: Databases, span: Span, tell: Callable[[str], None]) -> int:
    said_at, last, total = span.since, _FIRST, 0
    async with databases.of(service) as pool:
        while True:
            await _room(service, pool, tell)
            what = (said_at, span.until, last, span.event_type, span.saga_id, CHUNK)
            async with transaction(pool) as tx:
                await tx.execute(runtime.be_patient)
                told = await tx.fetchrow(sql.say_again, *what, timeout=_PATIENCE)
            if told is None:
                return total
            said_at, last = told["said_at"], told["id"]
            total += told["told"]


async def _room(service: Service, pool: Pool, tell: Callable[[str], None]) -> None:
    """Return when the outbox has room: what is in it is what its service must publish before anything new."""
    waited = 0.0
    while True:
        async with transaction(pool) as tx:
            waiting = await tx.fetchval(sql.waiting)
        if waiting < FULL:
            return
        if waited <= SILENCE < waited + PAUSE:
            tell(f"{service.name} has {waiting:,} events to publish: does it run?")
        await asyncio.sleep(PAUSE)
        waited += PAUSE
