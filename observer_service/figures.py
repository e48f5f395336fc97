"""What happens at each step and with each event at this moment."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from observer_service import store
from observer_service.story import UNDERWAY, State
from saga import Tx, queries

sql = queries(__file__, "page_queries.sql")

SPAN = 10
"""Seconds over which rates are taken."""
MOST = 10_000
"""So many ended sagas are counted, and no more."""


@dataclass
class Waiting:
    """Sagas that wait for a step: how many, how many of them are stuck and why, and since when the oldest waits."""

    sagas: int = 0
    stuck: int = 0
    since: datetime | None = None
    reasons: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))


@dataclass(frozen=True, slots=True)
class Tick:
    """Of a type of event or of a step: events in a second, now; and what went wrong in the last five minutes."""

    rate: float = 0.0
    seconds: float | None = None
    refused: int = 0
    retried: int = 0
    parked: int = 0

    @property
    def speed(self) -> str:
        """`12/s`, with as many digits as are worth saying."""
        return f"{self.rate:.0f}/s" if self.rate >= 10 or not self.rate else f"{self.rate:.1f}/s"  # noqa: PLR2004


NOTHING = Tick()


@dataclass(frozen=True)
class Figures:
    """All of them; what nothing is known of is at rest."""

    ticks: Mapping[str, Tick]
    waiting: Mapping[str, Waiting]
    states: Mapping[State, int]

    def tick(self, subject: str) -> Tick:
        return self.ticks.get(subject, NOTHING)

    def wait(self, step: str) -> Waiting:
        return self.waiting.get(step, Waiting())

    def count(self, state: State) -> str:
        return f"{MOST:,}+" if self.states[state] > MOST else f"{self.states[state]:,}"

    @property
    def stuck(self) -> list[tuple[str, str, int]]:
        """Where, why and how many, the most first."""
        found = [(step, reason, n) for step, told in self.waiting.items() for reason, n in told.reasons.items()]
        return sorted(found, key=lambda told: (-told[2], told))


async def look(tx: Tx) -> Figures:
    ticks = {
        row["subject"]: Tick(
            row["said"] / SPAN,
            row["seconds"] / row["lately"] if row["lately"] and row["seconds"] else None,
            row["refused"],
            row["retried"],
            row["parked"],
        )
        for row in await tx.fetch(sql.figures)
    }
    waiting: defaultdict[str, Waiting] = defaultdict(Waiting)
    states = dict.fromkeys(State, 0)
    for row in await tx.fetch(store.sql.underway):
        states[State(row["state"])] += row["sagas"]
        told = waiting[row["waits_for"] or ""]
        told.sagas += row["sagas"]
        told.since = min((since for since in (told.since, row["since"]) if since), default=None)
        if row["state"] == State.STUCK:
            told.stuck += row["sagas"]
            told.reasons[row["reason"]] += row["sagas"]
    for row in await tx.fetch(sql.ended, [state.value for state in State if state not in UNDERWAY], MOST):
        states[State(row["state"])] = row["sagas"]
    return Figures(ticks, waiting, states)
