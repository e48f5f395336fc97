"""How people come in: with a token, which their browser then keeps as a cookie that no script can read."""

from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import parse_qs

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from observer_service.page_route import PageRoute
from observer_service.rendering import STATIC, render
from saga.guard import Entrance
from saga.tokens import NoToken, Tokens

HOME = "/ui/"
COOKIE = "saga_observer"
ENTRANCE = Entrance(
    path=HOME,
    cookie=COOKIE,
    login="/ui/login",
    open=frozenset({"/", "/ui", "/ui/login", *(f"/ui/static/{name}" for name in STATIC)}),
)
KEPT_FOR_EVER = "public, max-age=31536000, immutable"

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/")
@router.get("/ui")
async def get_home() -> Response:
    return RedirectResponse(HOME, HTTPStatus.SEE_OTHER)


@router.get("/ui/static/{name}")
async def get_static(name: str) -> Response:
    """Who isn't logged in finds those that exist, and is sent to the login from anything else."""
    content, media_type = STATIC.get(name, (b"", "text/plain"))
    status = HTTPStatus.OK if name in STATIC else HTTPStatus.NOT_FOUND
    return Response(content, status, {"Cache-Control": KEPT_FOR_EVER}, media_type)


@router.get("/ui/login")
async def get_login(request: Request) -> Response:
    return HTMLResponse(render("login.html", next=_inside(request.query_params.get("next", "")), trouble=None))


@router.post("/ui/login")
async def post_login(request: Request) -> Response:
    """Keeps a valid token in the cookie for as long as it is valid."""
    form = await form_of(request)
    tokens: Tokens = request.app.state.tokens
    inside = _inside(form.get("next", ""))
    try:
        admitted = tokens.read(form.get("token", "").strip())
    except NoToken as error:
        trouble = str(error).replace("bearer token", "token")
        return HTMLResponse(render("login.html", next=inside, trouble=trouble), HTTPStatus.UNAUTHORIZED)
    answer = RedirectResponse(inside, HTTPStatus.SEE_OTHER)
    valid_for = int((admitted.expires - datetime.now(UTC)).total_seconds())
    answer.set_cookie(
        COOKIE,
        admitted.token,
        max_age=valid_for,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return answer


@router.post("/ui/logout")
async def post_logout() -> Response:
    answer = RedirectResponse("/ui/login", HTTPStatus.SEE_OTHER)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form, each once. None of ours has more than a few."""
    try:
        told = parse_qs((await request.body()).decode(errors="replace"), keep_blank_values=True, max_num_fields=20)
    except ValueError as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"the form can't be read: {error}") from None
    return {name: values[0] for name, values in told.items()}


def _inside(asked: str) -> str:
    """The page that was asked for, if it is one of ours."""
    return asked if asked.startswith(HOME) else HOME
