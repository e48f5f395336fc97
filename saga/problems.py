"""What a door says instead of an answer: problems after RFC 9457, and no more of a request than an event may have."""

from http import HTTPStatus
from typing import Any, Literal

import structlog
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from events import MAX_BODY
from events.errors import explained
from saga import tracing
from saga.errors import CommandRefused, ServerAway

log = structlog.get_logger()

PROBLEM = "application/problem+json"
MOST_ERRORS = 100


class Problem(BaseModel):
    """RFC 9457. `errors` name the fields of a request, and `reason` is why a command was refused."""

    type: Literal["about:blank"]
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] | None = None
    reason: str | None = None


_WHY = {
    400: "the body can't be read",
    401: "no valid token",
    404: "nothing is known of it",
    409: "refused: `reason` says why",
    413: "more than a megabyte",
    422: "not valid: `errors` name the fields",
    503: "the database is away: try again after `Retry-After` seconds",
}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": why, "content": {PROBLEM: {"schema": Problem.model_json_schema()}}}
    for status, why in _WHY.items()
}
"""What any endpoint behind the token may answer instead."""


def install(app: FastAPI) -> None:
    """Whatever goes wrong in the app is told as a problem from now on."""
    app.add_middleware(_Limited)
    app.add_exception_handler(StarletteHTTPException, _http_problem)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(CommandRefused, _refused)
    app.add_exception_handler(ServerAway, _away)
    app.add_exception_handler(Exception, _accident)


def problem(status: int, detail: str, headers: dict[str, str] | None = None, **members: object) -> JSONResponse:
    """An RFC 9457 problem."""
    content = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(content | members, status, headers, PROBLEM)


class _Limited:
    """Reads no more of a request than any event may have."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        read = 0

        async def limited() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > MAX_BODY:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {MAX_BODY:,} bytes")
            return message

        await self._app(scope, limited, send)


async def _http_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)  # noqa: S101 — how FastAPI types its handlers
    return problem(error.status_code, str(error.detail), dict(error.headers or {}))


async def _invalid_request(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 — see above
    followed = explained(e["loc"] for e in error.errors())
    told = [e for e in error.errors() if e["loc"] not in followed][:MOST_ERRORS]
    errors = [{"field": ".".join(map(str, e["loc"])), "problem": e["msg"]} for e in told]
    detail = "; ".join(f"{e['field']}: {e['problem']}" for e in errors[:5])
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors=errors)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, CommandRefused)  # noqa: S101 — see above
    return problem(HTTPStatus.CONFLICT, error.detail, reason=error.reason)


async def _away(_: Request, error: Exception) -> Response:
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), {"Retry-After": "5"})


async def _accident(request: Request, error: Exception) -> Response:
    """The caller learns that it was not their fault, and nothing of what it was: that is in the log."""
    trace = (tracing.request.get() or "")[3:35] or None
    log.error("request.failed", method=request.method, path=request.scope["path"], trace_id=trace, exc_info=error)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "an accident: it is in the service's log")
