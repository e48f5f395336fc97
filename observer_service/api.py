"""The observer's REST API: every saga, and its story."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from pydantic import AwareDatetime, StringConstraints

from observer_service.handlers import observer
from observer_service.store import Asked
from observer_service.story import State
from observer_service.telling import SagaShown, StoryShown, Teller
from saga import Door, transaction

router = APIRouter(tags=["observer"])
teller = Teller(observer.overheard)

Identity = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00]*$")]


@router.get("/sagas")
async def get_sagas(
    door: Door,
    state: Annotated[State | None, Query()] = None,
    waits_for: Annotated[Identity | None, Query(description="a step: `service.step`")] = None,
    begins_with: Annotated[Identity | None, Query(description="the beginning of its id")] = None,
    since: Annotated[AwareDatetime | None, Query(description="it began then or later")] = None,
    until: Annotated[AwareDatetime | None, Query(description="it began before")] = None,
    after: Annotated[Identity | None, Query(description="the last saga of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[SagaShown]:
    """From the newest."""
    async with transaction(door.pool) as tx:
        return await teller.sagas(
            tx, Asked([state] if state else None, waits_for, begins_with, since, until, after, limit)
        )


@router.get("/sagas/{saga_id:path}")
async def get_saga(saga_id: Identity, door: Door) -> StoryShown:
    """Its whole story: events in causal order, personal data masked."""
    async with transaction(door.pool) as tx:
        story = await teller.story(tx, saga_id)
    if story is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"nothing was heard of saga {saga_id!r}")
    return story
