"""What all services' APIs have in common: the bearer token, health and metrics."""

import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated

import jwt
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import PlainTextResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from saga import problems
from saga.database import sql, transaction
from saga.errors import ServerAway
from saga.metrics import (
    CALLS_AGE,
    OPEN_CALLS,
    OUTBOX_AGE,
    OUTBOX_PARKED,
    OUTBOX_ROWS,
    UNFINISHED,
    UNFINISHED_AGE,
)
from saga.participant import Participant

ALGORITHM = "HS256"


def mint_token(secret: str, subject: str, valid_for: timedelta) -> str:
    """A bearer token for the APIs of all services that share the secret."""
    now = datetime.now(UTC)
    return jwt.encode({"sub": subject, "iat": now, "exp": now + valid_for}, secret, ALGORITHM)


_scheme = HTTPBearer(bearerFormat="JWT", auto_error=False, description="minted by `saga token`")


def _bearer(request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_scheme)]) -> str:
    """Whose token it is. Refuses a missing, forged or expired one."""
    if given is None or not given.credentials:
        raise _unauthorized("a bearer token is needed: Authorization: Bearer …")
    try:
        secret = request.app.state.api_secret
        claims = jwt.decode(given.credentials, secret, [ALGORITHM], options={"require": ["exp", "sub"]})
    except jwt.ExpiredSignatureError:
        raise _unauthorized("the bearer token has expired") from None
    except jwt.InvalidTokenError:
        raise _unauthorized("the bearer token is not valid") from None
    return str(claims["sub"])


def _unauthorized(detail: str) -> HTTPException:
    return HTTPException(HTTPStatus.UNAUTHORIZED, detail, headers={"WWW-Authenticate": "Bearer"})


def _participant(request: Request) -> Participant:
    participant: Participant = request.app.state.participant
    return participant


Bearer = Depends(_bearer)
Caller = Annotated[str, Bearer]
Door = Annotated[Participant, Depends(_participant)]
"""The participant behind the API: `await door.ask(command)`."""


def build(
    participant: Participant, api_secret: str, router: APIRouter, ready: Callable[[], Awaitable[dict[str, bool]]]
) -> FastAPI:
    """The service's API: its own routes behind the token, health and metrics before it."""
    name = participant.service.name
    app = FastAPI(title=f"{name} service", openapi_url=None)
    app.state.participant = participant
    app.state.api_secret = api_secret
    app.include_router(router, dependencies=[Bearer], responses=problems.PROBLEMS)
    app.add_api_route("/openapi.json", app.openapi, dependencies=[Bearer], include_in_schema=False)
    app.include_router(_open_routes(participant, ready))
    problems.install(app)
    return app


def _open_routes(participant: Participant, ready: Callable[[], Awaitable[dict[str, bool]]]) -> APIRouter:
    router = APIRouter()

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
        with contextlib.suppress(ServerAway):
            await _measure(participant)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


async def _measure(participant: Participant) -> None:
    """Set the gauges to what waits in the database. Raises DatabaseAway."""
    service = participant.service
    async with transaction(participant.pool) as tx:
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
    for row in unfinished:
        UNFINISHED.labels(service.name, row["status"]).set(row["sagas"])
        UNFINISHED_AGE.labels(service.name, row["status"]).set(row["age"])
