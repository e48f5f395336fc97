"""What all services' APIs have in common: the bearer token, health and metrics."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from time import perf_counter
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from fastapi.security import HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from saga import problems, tracing
from saga.database import Tx, sql, transaction
from saga.errors import ServerAway
from saga.guard import OPEN, Guard, Pages
from saga.metrics import (
    CALLS_AGE,
    OPEN_CALLS,
    OUTBOX_AGE,
    OUTBOX_PARKED,
    OUTBOX_ROWS,
    READY,
    UNFINISHED,
    UNFINISHED_AGE,
)
from saga.participant import Participant
from saga.service import Service
from saga.spans import Tracer
from saga.tokens import Pass, Tokens

PATIENCE = 3.0
"""Seconds that metrics wait for the database. With five more for giving up a connection that is half open, that is less
than Prometheus waits for them, which else takes the service for down."""


class _Traced:
    """A request goes on with the trace that it names, or begins one."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN:
            await self._app(scope, receive, send)
            return
        status, began = HTTPStatus.INTERNAL_SERVER_ERROR.value, perf_counter()

        async def answer(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        came = tracing.understood(Headers(scope=scope).get("traceparent"))
        tracing.request.set(traceparent := self._tracer.asked(came))
        try:
            await self._app(scope, receive, answer)
        finally:
            self._tracer.answered(scope, came, traceparent, status, perf_counter() - began)


_documented = Depends(HTTPBearer(bearerFormat="JWT", auto_error=False, description="minted by `saga token`"))


def _caller(request: Request) -> str:
    caller: str = request.state.caller
    return caller


def _admitted(request: Request) -> Pass:
    admitted: Pass = request.state.admitted
    return admitted


def _participant(request: Request) -> Participant:
    participant: Participant = request.app.state.participant
    return participant


Caller = Annotated[str, Depends(_caller)]
"""Whose token it is."""
Admitted = Annotated[Pass, Depends(_admitted)]
"""The token itself: to ask other services in the caller's name."""
Door = Annotated[Participant, Depends(_participant)]
"""The participant behind the API: `await door.ask(command)`."""


def build(
    participant: Participant,
    api_secret: str,
    routers: Sequence[APIRouter],
    ready: Callable[[], Awaitable[dict[str, bool]]],
) -> FastAPI:
    """The service's API: everything behind the token, but for health and metrics."""
    name = participant.service.name
    app = FastAPI(title=f"{name} service", openapi_url=None)
    app.state.participant = participant
    app.include_router(_open_routes(participant, ready))  # first, for nothing of a service's own may stand before it
    app.add_api_route("/openapi.json", app.openapi, include_in_schema=False)
    for router in routers:
        app.include_router(router, dependencies=[_documented], responses=problems.PROBLEMS)
    problems.install(app)
    app.state.tokens = Tokens(api_secret)
    app.state.stopping = asyncio.Event()
    entrances = [router.entrance for router in routers if isinstance(router, Pages)]
    app.add_middleware(_Traced, tracer=participant.tracer)
    app.add_middleware(Guard, tokens=app.state.tokens, entrances=entrances)
    return app


def _open_routes(participant: Participant, ready: Callable[[], Awaitable[dict[str, bool]]]) -> APIRouter:
    router = APIRouter()
    statuses: set[str] = set()

    @router.get("/health/live", tags=["health"])
    async def live() -> dict[str, str]:
        """The process answers."""
        return {"status": "live"}

    @router.get(
        "/health/ready", tags=["health"], responses={503: {"description": "what is missing", "model": dict[str, bool]}}
    )
    async def is_ready(response: Response) -> dict[str, bool]:
        """200 when the queue is being consumed and the database and the broker answer; else 503 and what is missing."""
        parts = await ready()
        if not all(parts.values()):
            response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        return parts

    @router.get("/metrics", tags=["health"], response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Prometheus text; the backlog is asked of the database at this moment, if that answers."""
        is_ready, _ = await asyncio.gather(_is_ready(ready), _measure(participant, statuses))
        READY.labels(participant.service.name).set(is_ready)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


async def _is_ready(ready: Callable[[], Awaitable[dict[str, bool]]]) -> bool:
    """Whether all parts are, and say so in time."""
    try:
        async with asyncio.timeout(PATIENCE):
            return all((await ready()).values())
    except TimeoutError:
        return False


async def _measure(participant: Participant, statuses: set[str]) -> None:
    """Set the gauges to what waits in the database; they stay as they are where it doesn't answer in time."""
    with contextlib.suppress(ServerAway, TimeoutError):
        async with asyncio.timeout(PATIENCE), transaction(participant.pool) as tx:
            await _ask(participant.service, tx, statuses)


async def _ask(service: Service, tx: Tx, statuses: set[str]) -> None:
    """`statuses` are those that have been told of: of one that is told of no more, no saga stands so."""
    (backlog,) = await tx.fetch(sql.backlog)
    unfinished = await tx.fetch(service.unfinished) if service.unfinished else []
    for gauge, key in (
        (OUTBOX_ROWS, "outbox_rows"),
        (OUTBOX_PARKED, "outbox_parked"),
        (OUTBOX_AGE, "outbox_age"),
        (OPEN_CALLS, "open_calls"),
        (CALLS_AGE, "calls_age"),
    ):
        gauge.labels(service.name).set(backlog[key])
    for status in statuses - {row["status"] for row in unfinished}:
        UNFINISHED.labels(service.name, status).set(0)
        UNFINISHED_AGE.labels(service.name, status).set(0)
    for row in unfinished:
        statuses.add(row["status"])
        UNFINISHED.labels(service.name, row["status"]).set(row["sagas"])
        UNFINISHED_AGE.labels(service.name, row["status"]).set(row["age"])
