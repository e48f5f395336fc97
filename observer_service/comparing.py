"""A service's own record of its steps, derived again from what it said, and held against what it has stored."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from observer_service import store
from observer_service.story import Known, speakers
from saga import Pool, transaction
from saga.choreography import Choreography

CHUNK = 1_000
"""Sagas that are compared at once."""
SETTLED = timedelta(minutes=1)
"""What has not changed for so long is not on its way any more."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What a step's fence should say by the events, and what it says; None, where it has no entry."""

    saga_id: str
    step: str
    told: str | None
    kept: str | None

    def __str__(self) -> str:
        told = f"{self.step} is {self.told}" if self.told else f"{self.step} was never entered"
        kept = f"as {self.kept}" if self.kept else "with no entry of it"
        return f"{self.saga_id}: by what was said {told}; the service's fence stands {kept}"


def fence_of(choreography: Choreography, known: Known, service: str) -> dict[str, str]:
    """How the service's fence has to stand by the events of a saga that has ended: the state of each step."""
    answered = {part.name: part for f in known.facts.values() for part in speakers(choreography, known, f)}
    own = [part for part in answered.values() if part.service == service and part.is_step]
    states = {part.name: "done" for part in own if part.undoes is None}
    for part in own:
        if part.undoes is not None:
            undone = choreography.parts[part.undoes].name
            states[undone] = "compensated" if undone in states else "blocked"
    return states


def differences(
    choreography: Choreography, known: Known, service: str, saga_id: str, found: Mapping[str, str]
) -> Iterator[Difference]:
    """Between what a saga's events tell of each step and what its fence says. Of a silent step they tell nothing."""
    told = fence_of(choreography, known, service)
    for step in sorted((told.keys() | found.keys()) - _silent(choreography, service)):
        if told.get(step) != found.get(step):
            yield Difference(saga_id, step, told.get(step), found.get(step))


def _silent(choreography: Choreography, service: str) -> set[str]:
    """Steps that are done, or undone, without a word."""
    silent = [part for part in choreography.parts.values() if part.service == service and not part.says]
    return {choreography.parts[part.undoes].name if part.undoes else part.name for part in silent}


async def compare(
    choreography: Choreography, kept: Pool, service: str, its_own: Pool, settled: timedelta = SETTLED
) -> AsyncIterator[Difference]:
    """Where the service's fence stands otherwise than its words say, in sagas that have ended and come to rest."""
    after = ""
    while True:
        async with transaction(kept) as tx:
            rows = await tx.fetch(store.sql.ended_after, after, settled, CHUNK)
        if not rows:
            return
        ids = [row["saga_id"] for row in rows]
        async with transaction(its_own) as tx:
            stored = _by_saga(await tx.fetch(_FENCE, ids))
        for row in rows:
            saga_id, known = row["saga_id"], Known.decode(row["known"])
            for difference in differences(choreography, known, service, saga_id, stored.get(saga_id, {})):
                yield difference
        after = ids[-1]


_FENCE = "SELECT saga_id, step, state FROM saga.fence WHERE saga_id = ANY ($1::text[])"


def _by_saga(rows: Iterable[asyncpg.Record]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        found.setdefault(row["saga_id"], {})[row["step"]] = row["state"]
    return found
