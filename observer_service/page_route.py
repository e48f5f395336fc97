"""What all answers to browsers have in common: they load nothing from elsewhere, and say no as pages."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute

from observer_service.rendering import render
from saga.errors import ServerAway

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # nobody else is told; without, forms would be sent from the origin `null`
    "Cross-Origin-Opener-Policy": "same-origin",
}


class PageRoute(APIRoute):
    """A path of the pages."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                answer = await handle(request)
            except HTTPException as error:
                answer = _trouble(request, error.status_code, str(error.detail))
            except LookupError as error:
                answer = _trouble(request, HTTPStatus.NOT_FOUND, str(error))
            except RequestValidationError:
                answer = _trouble(request, HTTPStatus.UNPROCESSABLE_ENTITY, "the address can't be understood")
            except ServerAway as error:
                answer = _trouble(request, HTTPStatus.SERVICE_UNAVAILABLE, str(error))
            answer.headers.update(HEADERS)
            answer.headers.setdefault("Cache-Control", "no-store")
            return answer

        return handled


def _trouble(request: Request, status: int, words: str) -> Response:
    who = getattr(request.state, "caller", None)
    phrase = HTTPStatus(status).phrase
    return HTMLResponse(render("trouble.html", who=who, phrase=phrase, words=words), status)
