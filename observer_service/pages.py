"""The observer's pages, for people: what happens at this moment, each saga's story, and what is stuck."""

from collections.abc import AsyncIterator
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import StringConstraints

from observer_service.letters import Letters, NotSettled
from observer_service.live import Live
from observer_service.login import form_of
from observer_service.page_route import PageRoute
from observer_service.rendering import render
from observer_service.settings import ObserverSettings
from observer_service.story import State
from observer_service.views import Listing, Overview, Parked, Story, View
from saga import Door, transaction
from saga.api import Admitted, Caller

router = APIRouter(prefix="/ui", include_in_schema=False, route_class=PageRoute)
live = Live()

Words = Annotated[str, StringConstraints(max_length=255, pattern=r"^[^\x00]*$", strip_whitespace=True)]
RETRY = 1_000
"""Milliseconds after which a browser asks again, when the connection was lost."""


@cache
def _settings() -> ObserverSettings:
    return ObserverSettings.load()


Told = Annotated[ObserverSettings, Depends(_settings)]


def _listing(
    state: Annotated[Words, Query()] = "",
    waits_for: Annotated[Words, Query()] = "",
    begins_with: Annotated[Words, Query()] = "",
    after: Annotated[Words, Query()] = "",
) -> Listing:
    """An empty field of the form asks for nothing."""
    known = State(state) if state in set(State) else None
    return Listing(known, waits_for or None, begins_with or None, after or None)


def _story(saga_id: Words, settings: Told) -> Story:
    return Story(saga_id, settings.jaeger_url, settings.queues_url)


def _parked(settings: Told) -> Parked:
    return Parked(is_own_list=not settings.services)


@router.get("/")
async def get_overview(door: Door, caller: Caller) -> Response:
    return await _whole(door, caller, Overview())


@router.get("/sagas")
async def get_sagas(door: Door, caller: Caller, listing: Annotated[Listing, Depends(_listing)]) -> Response:
    return await _whole(door, caller, listing)


@router.get("/sagas/{saga_id:path}")
async def get_story(door: Door, caller: Caller, story: Annotated[Story, Depends(_story)]) -> Response:
    return await _whole(door, caller, story)


@router.get("/dead")
async def get_dead(
    door: Door, admitted: Admitted, settings: Told, parked: Annotated[Parked, Depends(_parked)], done: Words = ""
) -> Response:
    told = DONE.get(done)
    return await _dead(door, Letters(settings.services, admitted.token), admitted.subject, parked, said=told)


DONE = {
    "replay": "It was given back to its service, which handles it again.",
    "refuse": "Its step was refused: its saga is undone, and waits no longer.",
    "discard": "It was thrown away, for good and on record.",
}


@router.post("/dead/{how}")
async def post_dead(
    how: str,
    request: Request,
    door: Door,
    admitted: Admitted,
    settings: Told,
    parked: Annotated[Parked, Depends(_parked)],
) -> Response:
    """Ask the letter's service to replay, refuse or discard it, in the name of who is logged in."""
    if how not in DONE:
        raise HTTPException(HTTPStatus.NOT_FOUND, "letters can be replayed, refused and discarded")
    form = await form_of(request)
    letters = Letters(settings.services, admitted.token)
    told = {name: form[name] for name in ("reason", "detail") if form.get(name) and how != "replay"}
    try:
        await letters.settle(form.get("service", ""), form.get("id", ""), how, told)
    except NotSettled as error:
        return await _dead(door, letters, admitted.subject, parked, trouble=str(error))
    return RedirectResponse(f"/ui/dead?done={how}", HTTPStatus.SEE_OTHER)


@router.get("/live/overview", response_class=EventSourceResponse)
async def live_overview(request: Request, door: Door, admitted: Admitted) -> AsyncIterator[ServerSentEvent]:
    async for event in _followed(request, door, admitted, Overview()):
        yield event


@router.get("/live/sagas", response_class=EventSourceResponse)
async def live_sagas(
    request: Request, door: Door, admitted: Admitted, listing: Annotated[Listing, Depends(_listing)]
) -> AsyncIterator[ServerSentEvent]:
    async for event in _followed(request, door, admitted, listing):
        yield event


@router.get("/live/sagas/{saga_id:path}", response_class=EventSourceResponse)
async def live_story(
    request: Request, door: Door, admitted: Admitted, story: Annotated[Story, Depends(_story)]
) -> AsyncIterator[ServerSentEvent]:
    async for event in _followed(request, door, admitted, story):
        yield event


@router.get("/live/dead", response_class=EventSourceResponse)
async def live_dead(
    request: Request, door: Door, admitted: Admitted, parked: Annotated[Parked, Depends(_parked)]
) -> AsyncIterator[ServerSentEvent]:
    async for event in _followed(request, door, admitted, parked):
        yield event


async def _followed(request: Request, door: Door, admitted: Admitted, view: View) -> AsyncIterator[ServerSentEvent]:
    yield ServerSentEvent(data={}, retry=RETRY)
    async for changed in live.watch(view, door.pool, request.app.state.stopping, admitted.expires):
        yield ServerSentEvent(data=changed)


async def _whole(door: Door, caller: str, view: View, status: int = HTTPStatus.OK, **shown: Any) -> Response:
    async with transaction(door.pool) as tx:
        seen = await view.look(tx)
    return HTMLResponse(render(view.page, who=caller, **seen, **shown), status)


async def _dead(
    door: Door, letters: Letters, caller: str, parked: Parked, *, said: str | None = None, trouble: str | None = None
) -> Response:
    """Looked at once, and not every second: to look at letters takes them out of their queue for a moment."""
    status = HTTPStatus.BAD_GATEWAY if trouble else HTTPStatus.OK
    shelves = await letters.shelves()
    return await _whole(door, caller, parked, status, shelves=shelves, said=said, trouble=trouble)
