"""Which sagas wait for too long: longer than almost all before them, or than they may at all."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import timedelta
from time import monotonic

from observer_service import metrics, store
from observer_service.pace import quantile
from observer_service.settings import ObserverSettings
from observer_service.story import State
from saga import Tx
from saga.choreography import Choreography

USUAL = 0.999
"""Of all times, this share is usual."""
LEARNS_EVERY = 10.0
"""Seconds. So often what is usual is looked up anew."""
LATE, DEADLINE = "late", "deadline"

Limit = tuple[str, str, timedelta, str]
"""A step, the reason and the time after which a saga that waits for it is stuck, and words for people."""


class Lateness:
    """Remembers what is usual for a while; what it is, stands in the database."""

    def __init__(self) -> None:
        self._limits: list[Limit] = []
        self._learns_at = 0.0
        self._shown: set[tuple[str, str]] = set()

    async def look(self, tx: Tx, choreography: Choreography, settings: ObserverSettings) -> None:
        """Mark who is late, and show how many sagas wait for what."""
        if monotonic() >= self._learns_at:
            self._limits = list(limits(choreography, await store.paces(tx), settings))
            self._learns_at = monotonic() + LEARNS_EVERY
            await tx.execute(store.sql.drop_old_ticks)
        await store.mark_late(tx, self._limits)
        await self._show(tx)

    async def _show(self, tx: Tx) -> None:
        by_state: defaultdict[str, int] = defaultdict(int)
        stuck: dict[tuple[str, str], int] = {}
        for row in await tx.fetch(store.sql.underway):
            by_state[row["state"]] += row["sagas"]
            if row["state"] == State.STUCK:
                stuck[row["reason"], row["waits_for"] or ""] = row["sagas"]
        for state in (State.RUNNING, State.COMPENSATING, State.STUCK):
            metrics.SAGAS.labels(state.value).set(by_state[state])
        for labels in self._shown | stuck.keys():
            metrics.STUCK.labels(*labels).set(stuck.get(labels, 0))
        self._shown |= stuck.keys()
        metrics.lag.look()


def limits(
    choreography: Choreography, paces: Mapping[str, Mapping[int, int]], settings: ObserverSettings
) -> Iterator[Limit]:
    """One for each step."""
    for step in choreography.parts:
        usual = quantile(paces.get(step, {}), USUAL)
        late = max(timedelta(seconds=usual), settings.patience) if usual is not None else None
        if late is not None and late < settings.deadline:
            words = f"999 of 1,000 take {usual:.2f} s or less"
            yield step, LATE, late, words
        else:
            yield step, DEADLINE, settings.deadline, f"nobody may wait for more than {settings.deadline}"
