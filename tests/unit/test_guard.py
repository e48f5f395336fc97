"""Who may enter where people come with browsers, and that nothing else has become any wider for it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import cast
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import APIRouter

from saga import Pool, Service, api
from saga.api import Admitted, Caller
from saga.guard import Entrance, Pages
from saga.participant import Participant
from saga.tokens import mint_token
from tests.unit.test_api import NoDatabase, Ready

SECRET = "a-secret-that-is-long-enough-for-every-algorithm-that-is-tried"
HOST = "http://toys"
SAME_SITE = {"Sec-Fetch-Site": "same-origin"}

router = Pages(Entrance("/ui/", "toys", "/ui/login", frozenset({"/ui/login"})))


@router.get("/toys")
@router.get("/ui/toys")
@router.post("/ui/toys")
async def get_toys(caller: Caller, admitted: Admitted) -> dict[str, str]:
    return {"caller": caller, "token": admitted.token}


@router.get("/ui/login")
@router.post("/ui/login")
async def get_login() -> str:
    return "come in"


def client_of(routes: APIRouter) -> httpx.AsyncClient:
    app = api.build(Participant(Service("toys"), cast(Pool, NoDatabase())), SECRET, [routes], Ready())
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HOST)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(router) as toys:
        yield toys


def a_token(valid_for: timedelta = timedelta(hours=1)) -> str:
    return mint_token(SECRET, "grace", valid_for)


def cookie(token: str, name: str = "toys") -> dict[str, str]:
    return {"Cookie": f"other=1; {name}={token}"}


async def test_a_cookie_opens_the_pages_and_tells_whose_token_it_is(client: httpx.AsyncClient) -> None:
    token = a_token()
    answer = await client.get("/ui/toys", headers=cookie(token))
    assert (answer.status_code, answer.json()) == (200, {"caller": "grace", "token": token})


async def test_a_cookie_opens_nothing_but_the_pages(client: httpx.AsyncClient) -> None:
    """Else any page of the web could have a browser ask the API."""
    assert (await client.get("/toys", headers=cookie(a_token()))).status_code == 401
    assert (await client.get("/toys", headers={"Authorization": f"Bearer {a_token()}"})).status_code == 200


async def test_a_service_without_pages_takes_no_cookie() -> None:
    plain = APIRouter()
    plain.add_api_route("/ui/toys", get_toys)
    async with client_of(plain) as client:
        assert (await client.get("/ui/toys", headers=cookie(a_token()))).status_code == 401
        assert (await client.get("/ui/login")).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        cookie(""),
        cookie("junk"),
        cookie(a_token(timedelta(seconds=-1))),
        cookie(a_token(), name="toy"),
        {"Authorization": f"Bearer {a_token()}"},
    ],
    ids=["none", "empty", "junk", "expired", "another", "in the header"],
)
async def test_who_has_no_valid_cookie_is_sent_to_the_login(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """And from there back to the very page. What would have changed something is not tried again."""
    answer = await client.get("/ui/toys?name=a%26b", headers=headers)
    assert answer.status_code == 303
    where = urlsplit(answer.headers["Location"])
    assert (where.path, parse_qs(where.query)) == ("/ui/login", {"next": ["/ui/toys?name=a%26b"]})
    answer = await client.post("/ui/toys", headers=headers | SAME_SITE)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/ui/login")


async def test_the_login_is_open(client: httpx.AsyncClient) -> None:
    assert (await client.get("/ui/login")).status_code == 200
    assert (await client.get("/ui/login/")).status_code == 303


@pytest.mark.parametrize("path", ["/ui/toys", "/ui/login"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site", "Origin": HOST},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil"},
        {"Origin": "http://toys.evil"},
        {"Origin": "null"},
        {"Origin": ""},
    ],
    ids=str,
)
async def test_what_another_site_has_sent_changes_nothing(
    client: httpx.AsyncClient, path: str, headers: dict[str, str]
) -> None:
    """The login neither: nobody may be logged in as somebody else, unknowingly."""
    answer = await client.post(path, headers=cookie(a_token()) | headers)
    assert (answer.status_code, answer.json()["detail"]) == (403, "a page of another site has sent it")


@pytest.mark.parametrize("headers", [SAME_SITE, {"Origin": HOST}], ids=str)
async def test_what_our_own_pages_send_is_taken(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    assert (await client.post("/ui/toys", headers=cookie(a_token()) | headers)).status_code == 200
