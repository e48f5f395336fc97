"""Who may enter an API: who has a valid token, in the header or, where people come with browsers, in a cookie."""

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote, urlsplit

from fastapi import APIRouter
from fastapi.security.utils import get_authorization_scheme_param
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from saga.problems import problem
from saga.tokens import NoToken, Tokens

OPEN = frozenset({"/health/live", "/health/ready", "/metrics"})
"""What supervisors ask for, who have no tokens."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""They change nothing (RFC 9110, 9.2.1)."""


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where people come in with browsers: below `path`, and only there, the token is in a cookie, and nowhere else.

    Who has none is sent to the page `login`. The paths in `open` need none. What changes anything is refused if a page
    of another site has sent it.
    """

    path: str
    cookie: str
    login: str
    open: frozenset[str]

    def token(self, headers: Headers) -> str:
        """Raises NoToken, if the cookie is missing."""
        found = cookie_parser(headers.get("Cookie", "")).get(self.cookie)
        if found is None:
            raise NoToken(f"the cookie {self.cookie} is missing")
        return found

    def way_in(self, scope: Scope) -> ASGIApp:
        """To the login, and from there back to the page that was asked for."""
        asked = quote(scope["path"]) + (f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else "")
        back = f"?next={quote(asked, safe='')}" if scope["method"] in SAFE else ""
        return RedirectResponse(self.login + back, HTTPStatus.SEE_OTHER, {"Cache-Control": "no-store"})


class Pages(APIRouter):
    """A router through which people come with browsers, too."""

    def __init__(self, entrance: Entrance) -> None:
        super().__init__()
        self.entrance = entrance


class Guard:
    """Refuses who has no valid token, before anything of the request's body is read, or its path is looked up."""

    def __init__(self, app: ASGIApp, tokens: Tokens, entrances: Iterable[Entrance] = ()) -> None:
        self._app = app
        self._tokens = tokens
        self._entrances = tuple(entrances)
        self._open = OPEN.union(*(entrance.open for entrance in self._entrances))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._admitted(scope) if scope["type"] == "http" else self._app
        await app(scope, receive, send)

    def _admitted(self, scope: Scope) -> ASGIApp:
        """The API, or what the caller is told instead."""
        path, headers = scope["path"], Headers(scope=scope)
        entrance = next((one for one in self._entrances if path.startswith(one.path)), None)
        if entrance and scope["method"] not in SAFE and not is_from_here(headers):
            return problem(HTTPStatus.FORBIDDEN, "a page of another site has sent it")
        if path in self._open:
            return self._app
        try:
            admitted = self._tokens.read(entrance.token(headers) if entrance else _bearer(headers))
        except NoToken as error:
            told = problem(HTTPStatus.UNAUTHORIZED, str(error), {"WWW-Authenticate": "Bearer"})
            return entrance.way_in(scope) if entrance else told
        scope.setdefault("state", {}).update(caller=admitted.subject, admitted=admitted)
        return self._app


def is_from_here(headers: Headers) -> bool:
    """Whether a page of this same origin has sent the request, as the browser says, who can't be made to lie.

    Browsers say `Sec-Fetch-Site` where the connection is trustworthy, and `Origin` with whatever changes something.
    """
    if site := headers.get("Sec-Fetch-Site"):
        return site == "same-origin"
    return bool(origin := urlsplit(headers.get("Origin", "")).netloc) and origin == headers.get("Host")


def _bearer(headers: Headers) -> str:
    scheme, token = get_authorization_scheme_param(headers.get("Authorization"))
    if scheme.lower() != "bearer" or not token:
        raise NoToken("a bearer token is needed: Authorization: Bearer …")
    return token
