"""What the pages show: each view looks at the store, and renders itself whole or in those parts that live."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from observer_service import figures, store, timeline
from observer_service.api import teller
from observer_service.drawing import draw
from observer_service.figures import sql
from observer_service.rendering import ROWS, render
from observer_service.store import Asked
from observer_service.story import PARKED, UNDERWAY, State
from saga import Tx

PAGE = 50
"""Sagas on one page of the list."""
FEW = 8
"""Sagas in the list of the stuck."""
MOST_PARKED = 200

CHOREOGRAPHY = teller.choreography
DRAWING = draw(CHOREOGRAPHY)
DOORS = frozenset(part.id for part in CHOREOGRAPHY.parts.values() if not part.hears)
"""Steps that no event asks for."""


class View(ABC):
    """Equal views show the same. Each part is an element, whose id is the part's name."""

    page: ClassVar[str]
    parts: ClassVar[tuple[str, ...]]

    @abstractmethod
    async def look(self, tx: Tx) -> dict[str, Any]:
        """All that its templates show."""

    async def fragments(self, tx: Tx) -> Mapping[str, str]:
        shown = await self.look(tx)
        return {part: render(f"parts/{part}.html", **shown) for part in self.parts}


@dataclass(frozen=True)
class Overview(View):
    page = "overview.html"
    parts = ("headline", "states", "flow", "steps", "stuck")

    async def look(self, tx: Tx) -> dict[str, Any]:
        stuck = await store.sagas(tx, Asked([State.STUCK], limit=FEW))
        return {
            "now": datetime.now(UTC),
            "drawing": DRAWING,
            "figures": await figures.look(tx),
            "stuck": stuck,
        }


@dataclass(frozen=True)
class Listing(View):
    page = "sagas.html"
    parts = ("sagas",)

    state: State | None = None
    waits_for: str | None = None
    begins_with: str | None = None
    after: str | None = None

    async def look(self, tx: Tx) -> dict[str, Any]:
        """Only who is underway waits for anything, so that the others are not looked through."""
        states = [self.state] if self.state else list(UNDERWAY) if self.waits_for else None
        asked = Asked(states, self.waits_for, self.begins_with, after=self.after, limit=PAGE + 1)
        found = await store.sagas(tx, asked)
        steps = [part.id for part in CHOREOGRAPHY.parts.values() if part.hears and CHOREOGRAPHY.waits_for(part)]
        return {
            "now": datetime.now(UTC),
            "asked": self,
            "sagas": found[:PAGE],
            "next": found[PAGE - 1].saga_id if len(found) > PAGE else None,
            "steps": sorted({*steps, *([self.waits_for] if self.waits_for else [])}),
        }


@dataclass(frozen=True)
class Story(View):
    page = "story.html"
    parts = ("standing", "timeline")

    saga_id: str
    jaeger_url: str | None = None
    queues_url: str | None = None

    async def look(self, tx: Tx) -> dict[str, Any]:
        """Raises LookupError, if nothing was heard of it."""
        story = await teller.story(tx, self.saga_id)
        if story is None:
            raise LookupError(f"nothing was heard of saga {self.saga_id!r}")
        told = timeline.rows(story)
        trace = timeline.trace_of(story)
        return {
            "now": datetime.now(UTC),
            "story": story,
            "rows": told,
            "doors": DOORS,
            "brackets": timeline.brackets(told[:ROWS]),
            "trace": trace,
            "trace_url": f"{self.jaeger_url}/trace/{trace}" if self.jaeger_url and trace else None,
            "queues": {step: self._queue(step) for step in story.remaining},
        }

    def _queue(self, step: str) -> str | None:
        """Where the queue is shown of the service whose step it is."""
        return f"{self.queues_url}/{step.partition('.')[0]}" if self.queues_url else None


@dataclass(frozen=True)
class Parked(View):
    """What parked, as the observer has heard."""

    page = "dead.html"
    parts = ("parked",)

    is_own_list: bool

    async def look(self, tx: Tx) -> dict[str, Any]:
        rows = await tx.fetch(sql.parked, MOST_PARKED)
        by_service = {row["service"]: [one for one in rows if one["service"] == row["service"]] for row in rows}
        return {"now": datetime.now(UTC), "parked": by_service, "is_own_list": self.is_own_list, "PARKED": PARKED}
