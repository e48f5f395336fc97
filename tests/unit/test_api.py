"""What all services' APIs have in common: who may enter, and how they say no."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import cast

import httpx
import jwt
import pytest
from dirty_equals import IsPartialDict, IsStr
from fastapi import APIRouter, HTTPException
from pydantic import BaseModel
from structlog.testing import capture_logs

from inventory_service import api as inventory_api
from order_service import api as order_api
from payment_service import api as payment_api
from saga import CommandRefused, Pool, Service, api
from saga.api import Caller
from saga.errors import DatabaseAway
from saga.participant import Participant
from saga.tokens import mint_token
from shipping_service import api as shipping_api
from tests.unit.wire import ORDER_ID, order, order_line, ship_to

SECRET = "a-secret-that-is-long-enough-for-every-algorithm-that-is-tried"
PROBLEM = "application/problem+json"
router = APIRouter()


class Toy(BaseModel):
    name: str
    pieces: int


@router.post("/toys")
async def post_toy(toy: Toy, caller: Caller) -> dict[str, str]:
    return {"caller": caller, "name": toy.name}


@router.get("/toys/{name}")
async def get_toy(name: str) -> None:
    match name:
        case "missing":
            raise HTTPException(404, "no such toy")
        case "taken":
            raise CommandRefused("toy_taken", "somebody else plays with it")
        case "unreachable":
            raise DatabaseAway("the database does not answer")
        case _:
            raise RuntimeError("hush")


class NoDatabase:
    """The port to the database, when that is away."""

    async def acquire(self) -> None:
        raise ConnectionRefusedError("nobody there")


@dataclass
class Ready:
    parts: dict[str, bool] = field(default_factory=lambda: {"consumer": True, "database": True})

    async def __call__(self) -> dict[str, bool]:
        return self.parts


ready = Ready()


def client_of(routes: APIRouter) -> httpx.AsyncClient:
    participant = Participant(Service("toys"), cast(Pool, NoDatabase()))
    app = api.build(participant, SECRET, [routes], ready)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://toys")


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(router) as toys:
        yield toys


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def a_token(valid_for: timedelta = timedelta(hours=1), secret: str = SECRET) -> str:
    return mint_token(secret, "grace", valid_for)


def unusual_token(algorithm: str = "HS256", **claims: object) -> str:
    return jwt.encode(claims, SECRET if algorithm != "none" else "", algorithm)


in_an_hour = datetime.now(UTC) + timedelta(hours=1)
known = bearer(a_token())


async def test_who_has_a_token_may_enter(client: httpx.AsyncClient) -> None:
    """And the API knows whose it is."""
    answer = await client.post("/toys", json={"name": "kite", "pieces": 1}, headers=known)
    assert (answer.status_code, answer.json()) == (200, {"caller": "grace", "name": "kite"})


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        ({}, "a bearer token is needed: Authorization: Bearer …"),
        (bearer(""), "a bearer token is needed: Authorization: Bearer …"),
        ({"Authorization": "Basic Z3JhY2U6aG9wcGVy"}, "a bearer token is needed: Authorization: Bearer …"),
        ({"Authorization": a_token()}, "a bearer token is needed: Authorization: Bearer …"),
        (bearer(a_token(timedelta(seconds=-1))), "the bearer token has expired"),
        (bearer(a_token(secret="another-secret-of-32-characters!!!")), "the bearer token is not valid"),
        (bearer("junk"), "the bearer token is not valid"),
        (bearer(a_token()[:-3]), "the bearer token is not valid"),
        (bearer(unusual_token(sub="grace")), "the bearer token is not valid"),
        (bearer(unusual_token(exp=in_an_hour)), "the bearer token is not valid"),
        (bearer(unusual_token("none", sub="grace", exp=in_an_hour)), "the bearer token is not valid"),
        (bearer(unusual_token("HS384", sub="grace", exp=in_an_hour)), "the bearer token is not valid"),
    ],
    ids=[
        "none",
        "empty",
        "password",
        "no scheme",
        "expired",
        "forged",
        "junk",
        "cut",
        "for ever",
        "nobody's",
        "unsigned",
        "other algorithm",
    ],
)
async def test_who_has_no_valid_token_may_not(client: httpx.AsyncClient, headers: dict[str, str], detail: str) -> None:
    """401 and a problem that says why, before anything else is looked at."""
    answer = await client.post("/toys", content=b"{", headers={"Content-Type": "application/json", **headers})
    assert (answer.status_code, answer.headers["Content-Type"]) == (401, PROBLEM)
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json() == {"type": "about:blank", "title": "Unauthorized", "status": 401, "detail": detail}


async def test_the_scheme_may_be_written_small(client: httpx.AsyncClient) -> None:
    """RFC 9110: it is case-insensitive."""
    answer = await client.get("/toys/missing", headers={"Authorization": f"bearer {a_token()}"})
    assert answer.status_code == 404


async def test_health_and_metrics_are_open(client: httpx.AsyncClient) -> None:
    """Supervisors have no tokens. Metrics are served without the backlog while the database is away."""
    assert (await client.get("/health/live")).json() == {"status": "live"}
    assert (await client.get("/health/ready")).status_code == 200
    metrics = await client.get("/metrics")
    assert metrics.status_code == 200
    assert "saga_events_handled" in metrics.text


async def test_who_is_not_ready_says_what_is_missing(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ready, "parts", {"consumer": True, "database": False})
    answer = await client.get("/health/ready")
    assert (answer.status_code, answer.json()) == (503, {"consumer": True, "database": False})


async def test_a_request_that_is_not_valid_is_told_its_fields(client: httpx.AsyncClient) -> None:
    """Each by its path, and in one sentence together."""
    answer = await client.post("/toys", json={"pieces": "many"}, headers=known)
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, PROBLEM)
    assert answer.json() == IsPartialDict(
        title=IsStr(),
        status=422,
        detail=(
            "body.name: Field required; "
            "body.pieces: Input should be a valid integer, unable to parse string as an integer"
        ),
        errors=[
            {"field": "body.name", "problem": "Field required"},
            {"field": "body.pieces", "problem": IsStr(regex="Input should be a valid integer.*")},
        ],
    )


async def test_a_problem_that_follows_from_another_is_not_told() -> None:
    """A list whose only item is wrong would be reported as empty, too."""
    async with client_of(order_api.router) as client:
        answer = await client.post("/orders", json=order(lines=[order_line(quantity=0)]), headers=known)
    assert [told["field"] for told in answer.json()["errors"]] == ["body.lines.0.quantity"]


async def test_a_request_of_more_than_a_megabyte_is_refused_unread(client: httpx.AsyncClient) -> None:
    """Also without a length: else the memory could be filled. From who has no token nothing is read at all."""

    async def endless(most: int) -> AsyncIterator[bytes]:
        for sent in range(20):
            assert sent < most, "it was read on"
            yield b"x" * 65_536

    for headers, status, most in ((known, 413, 17), ({}, 401, 0)):
        for body in (b"x" * 2_000_000, endless(most)):
            answer = await client.post("/toys", content=body, headers=headers)
            assert (answer.status_code, answer.headers["Content-Type"]) == (status, PROBLEM)


@pytest.mark.parametrize(
    ("path", "status", "members"),
    [
        ("/nowhere", 404, {"detail": "Not Found"}),
        ("/toys/missing", 404, {"detail": "no such toy"}),
        ("/toys/taken", 409, {"detail": "somebody else plays with it", "reason": "toy_taken"}),
        ("/toys/unreachable", 503, {"detail": "the database does not answer"}),
    ],
)
async def test_every_no_is_a_problem(
    client: httpx.AsyncClient, path: str, status: int, members: dict[str, str]
) -> None:
    """RFC 9457."""
    answer = await client.get(path, headers=known)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, PROBLEM)
    assert answer.json() == IsPartialDict(type="about:blank", status=status, **members)
    assert answer.headers.get("Retry-After") == ("5" if status == 503 else None)


async def test_an_accident_is_a_problem_too_and_stands_in_the_log(client: httpx.AsyncClient) -> None:
    """Who asked learns nothing of what it was; who operates the service does."""
    with capture_logs() as logged:
        answer = await client.get("/toys/broken", headers=known)
    assert (answer.status_code, answer.headers["Content-Type"]) == (500, PROBLEM)
    assert "hush" not in answer.text
    (entry,) = logged
    assert (entry["event"], entry["path"], repr(entry["exc_info"])) == (
        "request.failed",
        "/toys/broken",
        "RuntimeError('hush')",
    )


ENDPOINTS = {
    "order": (order_api.router, {"POST /orders", "GET /orders", "GET /orders/{id}", "POST /orders/{id}/cancel"}),
    "inventory": (
        inventory_api.router,
        {
            "GET /stock",
            "GET /stock/{sku}",
            "PUT /stock/{sku}",
            "POST /reservations",
            "DELETE /reservations/{id}",
        },
    ),
    "payment": (payment_api.router, {"GET /payments/{id}", "POST /payments/{id}/refund"}),
    "shipping": (
        shipping_api.router,
        {"GET /shipments/{id}", "POST /shipments/{id}/dispatch", "DELETE /shipments/{id}"},
    ),
}


@pytest.mark.parametrize(("routes", "endpoints"), ENDPOINTS.values(), ids=ENDPOINTS)
async def test_every_endpoint_of_the_contract_is_there_and_behind_the_token(
    routes: APIRouter, endpoints: set[str]
) -> None:
    """Without a token, each answers 401, and tells nothing; with one, it exists."""
    async with client_of(routes) as client:
        for endpoint in endpoints:
            method, path = endpoint.format(id=ORDER_ID, sku="CHAIR").split(" ")
            assert (await client.request(method, path)).status_code == 401
            with capture_logs():  # to render the accidents of a service without handlers takes seconds
                assert (await client.request(method, path, headers=known)).status_code not in {401, 404, 405}


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (order(lines=[]), "body.lines"),
        (order(lines=[order_line(quantity="2")]), "body.lines.0.quantity"),
        (order(lines=[order_line(quantity=-1)]), "body.lines.0.quantity"),
        (order(currency="beads"), "body.currency"),
        (order(ship_to=ship_to(country="ZZ")), "body.ship_to.country"),
        (order(customer_id="\0"), "body.customer_id"),
        (order(order_id="42"), "body.order_id"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize(
    ("routes", "path"),
    [(order_api.router, "/orders"), (inventory_api.router, "/reservations")],
    ids=["order", "inventory"],
)
async def test_the_doors_have_the_limits_of_the_event(
    routes: APIRouter, path: str, data: dict[str, object], field: str
) -> None:
    """What can't be said over AMQP can't be said over REST either; the database isn't asked."""
    async with client_of(routes) as client:
        answer = await client.post(path, json=data, headers=known)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


async def test_a_valid_order_finds_the_database_away() -> None:
    """503 and when to come again: nothing was wrong with it. The `order_id` may be left out."""
    data = {name: value for name, value in order().items() if name != "order_id"}
    async with client_of(order_api.router) as client:
        answer = await client.post("/orders", json=data, headers=known | {"Idempotency-Key": "k-1"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


@pytest.mark.parametrize("key", ["", "k" * 256, "\x7f"])
async def test_an_idempotency_key_that_is_none_is_refused(key: str) -> None:
    async with client_of(order_api.router) as client:
        answer = await client.post("/orders", json=order(), headers=known | {"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "header.idempotency-key")
