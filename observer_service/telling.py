"""A saga's story for people: its events in causal order, each with its cause, its step and what it took."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import asyncpg
from pydantic import BaseModel
from pydantic_core import from_json

from observer_service import store
from observer_service.masking import Masking
from observer_service.store import Asked, Saga
from observer_service.story import Fact, Known, State, speakers
from saga import Kind, Service, Tx
from saga.causality import causes_first
from saga.choreography import Choreography


class SagaShown(BaseModel):
    """How a saga stands. `remaining` are the steps that are still to be done, the longest awaited first."""

    saga_id: str
    state: State
    remaining: tuple[str, ...]
    since: datetime | None
    reason: str | None
    detail: str | None
    began_at: datetime
    changed_at: datetime


class EventShown(BaseModel):
    """An event of a story. `step` said it, `seconds` after its cause; if it is a compensation, it undid `undoes`."""

    type: str
    id: str
    source: str
    time: datetime
    causationid: str | None
    traceparent: str | None
    step: str | None
    kind: Kind | None
    undoes: str | None
    refuses: bool
    seconds: float | None
    data: Any

    @property
    def event_id(self) -> str:
        return self.id

    @property
    def tie(self) -> tuple[str, str]:
        return self.id, self.source


class DiversionShown(BaseModel):
    """What became of a message that a service could not handle."""

    service: str
    id: str
    type: str
    course: str
    at: datetime
    attempt: int
    error: str
    reason: str


class StoryShown(SagaShown):
    """The whole story, in causal order."""

    events: list[EventShown]
    diversions: list[DiversionShown]


class Teller:
    """Tells stories of the sagas that some services play."""

    def __init__(self, services: Sequence[Service]) -> None:
        self.choreography = Choreography.of(services)
        self._masking = Masking({event for service in services for event in (*service.heard, *service.said)})

    async def sagas(self, tx: Tx, asked: Asked) -> list[SagaShown]:
        return [SagaShown(**_told(saga)) for saga in await store.sagas(tx, asked)]

    async def story(self, tx: Tx, saga_id: str) -> StoryShown | None:
        """None, if nothing was ever heard of it."""
        saga = await store.saga(tx, saga_id)
        if saga is None or saga.known is None:
            return None
        days = _days(saga.known)
        rows = await tx.fetch(store.sql.events_of, saga_id, *days) if days else []
        diversions = await tx.fetch(store.sql.diversions_of, saga_id)
        return StoryShown(
            **_told(saga),
            events=causes_first(self._event(saga.known, row) for row in rows),
            diversions=[DiversionShown(**dict(row)) for row in diversions],
        )

    def _event(self, known: Known, row: asyncpg.Record) -> EventShown:
        fact = Fact(row["id"], row["source"], row["type"], row["causationid"], row["time"])
        part = next(iter(speakers(self.choreography, known, fact)), None)
        cause = known.causes.get(fact.causationid or "")
        content = from_json(row["body"])
        return EventShown(
            type=fact.type,
            id=fact.id,
            source=fact.source,
            time=fact.time,
            causationid=fact.causationid,
            traceparent=row["traceparent"],
            step=part.id if part else None,
            kind=part.kind if part else None,
            undoes=part.undoes if part else None,
            refuses=part is not None and fact.type in part.refuses,
            seconds=(fact.time - cause.time).total_seconds() if cause else None,
            data=self._masking.shown(fact.type, content.get("data") if row["is_whole"] else content),
        )


def _told(saga: Saga) -> dict[str, Any]:
    told = saga.standing
    return {
        "saga_id": saga.saga_id,
        "state": told.state,
        "remaining": told.remaining,
        "since": told.since,
        "reason": told.reason,
        "detail": told.detail,
        "began_at": saga.began_at,
        "changed_at": saga.changed_at,
    }


def _days(known: Known) -> tuple[date, date] | None:
    """From the first to the last day of its events."""
    days = [fact.time.date() for fact in known.facts.values()]
    return (min(days), max(days)) if days else None
