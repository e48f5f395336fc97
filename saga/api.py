"""What all services' APIs have in common: the bearer token, problems, health and metrics."""

import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated

import jwt
import structlog
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException as StarletteHTTPException

from saga.database import sql, transaction
from saga.errors import CommandRefused, ServerAway
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

log = structlog.get_logger()

ALGORITHM = "HS256"


def mint_token(secret: str, subject: str, valid_for: timedelta) -> str:
    """A bearer token for the APIs of all services that share the secret."""
    now = datetime.now(UTC)
    return jwt.encode({"sub": subject, "iat": now, "exp": now + valid_for}, secret, ALGORITHM)


def _bearer(request: Request) -> str:
    """Whose token it is. Refuses a missing, forged or expired one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise _unauthorized("a bearer token is needed: Authorization: Bearer …")
    try:
        claims = jwt.decode(token, request.app.state.api_secret, [ALGORITHM], options={"require": ["exp", "sub"]})
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
    app.include_router(router, dependencies=[Bearer])
    app.add_api_route("/openapi.json", app.openapi, dependencies=[Bearer], include_in_schema=False)
    app.include_router(_open_routes(participant, ready))
    app.add_exception_handler(StarletteHTTPException, _http_problem)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(CommandRefused, _refused)
    app.add_exception_handler(ServerAway, _away)
    app.add_exception_handler(Exception, _accident)
    return app


def _open_routes(participant: Participant, ready: Callable[[], Awaitable[dict[str, bool]]]) -> APIRouter:
    router = APIRouter()

    @router.get("/health/live", tags=["health"])
    async def live() -> dict[str, str]:
        """The process answers."""
        return {"status": "live"}

    @router.get("/health/ready", tags=["health"])
    async def is_ready(response: Response) -> dict[str, bool]:
        """200 when the queue is being consumed and the database and the broker answer; else 503 and what is missing."""
        parts = await ready()
        if not all(parts.values()):
            response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        return parts

    @router.get("/metrics", tags=["health"])
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


def problem(status: int, detail: str, headers: dict[str, str] | None = None, **members: object) -> JSONResponse:
    """An RFC 9457 problem."""
    content = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(content | members, status, headers, "application/problem+json")


async def _http_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)  # noqa: S101 — how FastAPI types its handlers
    return problem(error.status_code, str(error.detail), dict(error.headers or {}))


async def _invalid_request(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 — see above
    errors = [{"field": ".".join(map(str, e["loc"])), "problem": e["msg"]} for e in error.errors()]
    detail = "; ".join(f"{e['field']}: {e['problem']}" for e in errors[:5])
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors=errors)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, CommandRefused)  # noqa: S101 — see above
    return problem(HTTPStatus.CONFLICT, error.detail, reason=error.reason)


async def _away(_: Request, error: Exception) -> Response:
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), {"Retry-After": "5"})


async def _accident(request: Request, error: Exception) -> Response:
    """The caller learns that it was not their fault, and nothing of what it was: that is in the log."""
    log.error("request.failed", method=request.method, path=request.scope["path"], exc_info=error)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "an accident: it is in the service's log")
