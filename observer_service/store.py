"""Events as they were heard, and how sagas stand by them, in the database."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self

import asyncpg

from observer_service.story import Known, Standing, State
from saga import Tx, queries
from saga.choreography import Part
from saga.overhearing import Overheard

sql = queries(__file__)


@dataclass(slots=True)
class Tick:
    """What was heard at once of one type of event, or of one step."""

    said: int = 0
    seconds: float = 0.0
    refused: int = 0
    retried: int = 0
    parked: int = 0


@dataclass
class Tally:
    """What a batch adds to the counts: also the steps that have answered, and in how many seconds."""

    ticks: defaultdict[str, Tick] = field(default_factory=lambda: defaultdict(Tick))
    paces: Counter[tuple[str, int]] = field(default_factory=Counter)
    hops: list[tuple[Part, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Saga:
    """A saga as it was last told. `known` is missing where a list of sagas was asked for."""

    saga_id: str
    standing: Standing
    began_at: datetime
    changed_at: datetime
    known: Known | None = None

    @classmethod
    def of(cls, row: asyncpg.Record) -> Self:
        told = Standing(State(row["state"]), tuple(row["remaining"]), row["waits_since"], row["reason"], row["detail"])
        known = Known.decode(row["known"]) if "known" in row else None
        return cls(row["saga_id"], told, row["began_at"], row["changed_at"], known)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which sagas somebody wants to see."""

    states: Sequence[State] | None = None
    waits_for: str | None = None
    begins_with: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: str | None = None
    limit: int = 100


async def keep(tx: Tx, heard: Iterable[Overheard]) -> list[Overheard]:
    """Those that were never heard before, in order: events, and what became of them."""
    events: dict[tuple[str, str], Overheard] = {}
    diversions: dict[tuple[str, str, str, datetime], Overheard] = {}
    for one in heard:
        if one.diverted is None:
            events.setdefault((one.id, one.source), one)
        else:
            told = one.diverted
            diversions.setdefault((told.service, one.id, told.course.value, told.at), one)
    return await _keep_events(tx, events) + await _keep_diversions(tx, diversions)


async def _keep_events(tx: Tx, events: Mapping[tuple[str, str], Overheard]) -> list[Overheard]:
    if not events:
        return []
    rows = [
        (e.day, e.saga_id, e.id, e.source, e.type, e.time, e.causationid, e.traceparent, e.exchange, e.is_whole, e.body)
        for e in sorted(events.values(), key=lambda e: (e.saga_id, e.id, e.source))
    ]
    new = {(row["id"], row["source"]) for row in await tx.fetch(sql.keep_events, *zip(*rows, strict=True))}
    return [event for key, event in events.items() if key in new]


async def _keep_diversions(tx: Tx, diversions: Mapping[tuple[str, str, str, datetime], Overheard]) -> list[Overheard]:
    if not diversions:
        return []
    rows = sorted(
        (o.saga_id, d.service, o.id, d.course.value, d.at, o.type, d.attempt, d.error, d.reason)
        for o in diversions.values()
        if (d := o.diverted)
    )
    found = await tx.fetch(sql.keep_diversions, *zip(*rows, strict=True))
    new = {(row["service"], row["id"], row["course"], row["at"]) for row in found}
    return [one for key, one in diversions.items() if key in new]


async def lock(tx: Tx, saga_ids: Iterable[str]) -> dict[str, tuple[State, Known]]:
    """How those of these sagas that are known stand; nobody else changes that before `tx` ends."""
    rows = await tx.fetch(sql.lock_sagas, sorted(saga_ids))
    return {row["saga_id"]: (State(row["state"]), Known.decode(row["known"])) for row in rows}


async def add(tx: Tx, sagas: Mapping[str, tuple[Known, Standing]]) -> set[str]:
    """Remember sagas that weren't known; those that somebody else has just added are not among what it returns."""
    return {row["saga_id"] for row in await tx.fetch(sql.add_sagas, *_columns(sagas))} if sagas else set()


async def save(tx: Tx, sagas: Mapping[str, tuple[Known, Standing]]) -> None:
    if sagas:
        await tx.execute(sql.save_sagas, *_columns(sagas))


def _columns(sagas: Mapping[str, tuple[Known, Standing]]) -> Sequence[Sequence[object]]:
    rows = []
    for saga_id, (known, told) in sagas.items():
        times = [fact.time for fact in known.facts.values()]
        letters = [datetime.fromtimestamp(o.changed_at, UTC) for o in known.letters.values()]
        began, changed = min(times or letters), max(times + letters)
        remaining = " ".join(told.remaining)
        waits = (told.waits_for, told.since, told.reason, told.detail)
        rows.append((saga_id, told.state.value, remaining, *waits, began, changed, known.encode()))
    return list(zip(*rows, strict=True))


async def count(tx: Tx, tally: Tally) -> None:
    """Rows are touched in the order of their keys, so that two transactions never wait for each other in a circle."""
    if tally.ticks:
        rows = [(s, t.said, t.seconds, t.refused, t.retried, t.parked) for s, t in sorted(tally.ticks.items())]
        await tx.execute(sql.count_ticks, *zip(*rows, strict=True))
    if tally.paces:
        paces = [(step, bucket, times) for (step, bucket), times in sorted(tally.paces.items())]
        await tx.execute(sql.count_paces, *zip(*paces, strict=True))


async def paces(tx: Tx) -> dict[str, dict[int, int]]:
    """How often each step took how long, by bucket."""
    found: defaultdict[str, dict[int, int]] = defaultdict(dict)
    for row in await tx.fetch(sql.paces):
        found[row["step"]][row["bucket"]] = row["times"]
    return found


async def mark_late(tx: Tx, limits: Sequence[tuple[str, str, timedelta, str]]) -> int:
    """Those who wait for longer than the limit `(step, reason, after, detail)` of their step are stuck: how many."""
    marked: int = await tx.fetchval(sql.mark_late, *zip(*limits, strict=True)) if limits else 0
    return marked


async def sagas(tx: Tx, asked: Asked) -> list[Saga]:
    """From the newest; the next page begins after the last saga of this one."""
    told = (asked.states, asked.waits_for, asked.begins_with, asked.since, asked.until, asked.after, asked.limit)
    return [Saga.of(row) for row in await tx.fetch(sql.list_sagas, *told)]


async def saga(tx: Tx, saga_id: str) -> Saga | None:
    row = await tx.fetchrow(sql.saga_of, saga_id)
    return Saga.of(row) if row else None
