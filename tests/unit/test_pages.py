"""The observer's pages, without a store: what they draw, whom they let in, and that nothing breaks out of them."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from typing import cast

import httpx
import pytest

from observer_service import login, pages
from observer_service.drawing import draw, halves, short
from observer_service.layout import Cell, cells
from observer_service.rendering import STATIC, render, span
from observer_service.settings import ObserverSettings
from observer_service.story import State
from observer_service.telling import DiversionShown, EventShown, StoryShown
from observer_service.timeline import Bracket, brackets, rows, trace_of
from saga import Pool, Service, api
from saga.choreography import Choreography
from saga.guard import Pages
from saga.messages import Kind
from saga.participant import Participant
from saga.tokens import mint_token
from tests.component.toy.handlers import toy
from tests.order_saga import ORDER_SAGA
from tests.unit.follower import follower
from tests.unit.test_api import NoDatabase, Ready

SECRET = "a-secret-that-is-long-enough-for-every-algorithm-that-is-tried"
SAME_SITE = {"Sec-Fetch-Site": "same-origin"}
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SCRIPT = "<script>alert(1)</script>"


def settings(**told: object) -> ObserverSettings:
    needed = {"amqp_url": "amqp://o:p@host/t1", "database_url": "postgresql://o:p@host/o", "api_secret": SECRET}
    return ObserverSettings.model_validate(needed | told)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    router = Pages(login.ENTRANCE)
    router.include_router(login.router)
    router.include_router(pages.router)
    app = api.build(Participant(Service("observer"), cast(Pool, NoDatabase())), SECRET, [router], Ready())
    told = settings()
    app.dependency_overrides[pages._settings] = lambda: told
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://observer", headers=SAME_SITE) as client:
        yield client


def token(valid_for: timedelta = timedelta(hours=1)) -> str:
    return mint_token(SECRET, "grace", valid_for)


def test_undoing_stands_beneath_what_it_undoes_and_runs_back() -> None:
    placed = cells(Choreography.of(ORDER_SAGA))
    forward = ["order.place_order", "inventory.reserve_stock", "payment.capture_payment", "shipping.schedule_shipment"]
    forward += ["shipping.dispatch_shipment", "inventory.deduct_stock"]
    assert [placed[step] for step in forward] == [Cell(column, 0) for column in range(6)]
    back = ["inventory.release_stock", "payment.refund_payment", "shipping.cancel_shipment", "order.cancel_order"]
    assert [placed[step] for step in back] == [Cell(column, 1) for column in range(1, 5)]


@pytest.mark.parametrize(
    "services",
    [ORDER_SAGA, (*ORDER_SAGA, follower), (toy,), ()],
    ids=["orders", "orders and a silent step", "a toy", "nobody"],
)
def test_every_choreography_can_be_drawn(services: tuple[Service, ...]) -> None:
    """Every step and every event that a saga goes on from has its place, none hides another, all lie in the picture."""
    choreography = Choreography.of(services)
    drawing = draw(choreography)
    assert {box.part.id for box in drawing.boxes} == {p.id for p in choreography.parts.values() if p.is_step}
    assert {mark.type for mark in drawing.marks} >= set(choreography.continuing)
    places = [(box.x, box.y) for box in drawing.boxes] + [(mark.x, mark.y) for mark in drawing.marks]
    assert len(set(places)) == len(places)
    assert all(0 <= x <= drawing.width and 0 <= y <= drawing.height for x, y in places)


def test_what_is_undone_is_drawn_dashed_and_what_is_final_as_an_end() -> None:
    drawing = draw(Choreography.of(ORDER_SAGA))
    assert {line.type for line in drawing.lines if line.is_backward and not line.arrives} == {
        "order.cancelled.v1",
        "payment.refunded.v1",
        "shipment.cancellation_refused.v1",
        "shipment.cancelled.v1",
        "stock.released.v1",
    }
    assert {mark.name for mark in drawing.marks if mark.is_final} == {
        "shipment.cancellation_refused",
        "shipment.scheduled",
        "stock.deducted",
        "stock.rejected",
        "stock.released",
    }


def test_names_are_short() -> None:
    assert (short("order.placed.v1"), short("order.placed"), short("v1"), short("")) == ("order.placed",) * 2 + (
        "v1",
        "",
    )
    assert (halves("schedule_shipment"), halves("ask")) == (("schedule", "shipment"), ("ask", ""))
    told = {0: "<1 ms", -3: "<1 ms", 0.0123: "12 ms", 3.42: "3.4 s", 42: "42 s", 300: "5 min", 9000: "2 h", 1e6: "12 d"}
    assert {seconds: span(seconds) for seconds in told} == told


def event(kind: str, number: int, cause: int | None = None, undoes: str | None = None, step: str = "") -> EventShown:
    return EventShown(
        type=f"{kind}.v1",
        id=f"e{number}",
        source="s",
        time=NOON + timedelta(seconds=number),
        causationid=f"e{cause}" if cause is not None else None,
        traceparent=f"00-{number:032x}-00f067aa0ba902b7-01",
        step=step or None,
        kind=Kind.COMPENSATION if undoes else None,
        undoes=undoes,
        refuses=kind == "c.refused",
        seconds=number - cause if cause is not None else None,
        data={"of": kind},
    )


def story(*events: EventShown, diversions: tuple[DiversionShown, ...] = ()) -> StoryShown:
    return StoryShown(
        saga_id="s",
        state=State.COMPENSATED,
        remaining=(),
        since=None,
        reason=None,
        detail=None,
        began_at=NOON,
        changed_at=NOON,
        events=list(events),
        diversions=list(diversions),
    )


UNDONE = (
    event("a.done", 0, step="x.a"),
    event("b.done", 1, 0, step="x.b"),
    event("c.refused", 2, 1, step="x.c"),
    event("b.undone", 3, 2, undoes="x.b", step="x.undo_b"),
    event("a.undone", 4, 3, undoes="x.a", step="x.undo_a"),
)


def test_what_undoes_is_joined_to_what_it_undoes() -> None:
    """The outer brackets enclose the inner ones; each hop lies where it lay in time."""
    told = rows(story(*UNDONE))
    assert [row.cause.at if row.cause else None for row in told] == [None, 1, 2, 3, 4]
    assert [row.undone.at if row.undone else None for row in told] == [None, None, None, 2, 1]
    assert brackets(told) == [Bracket(2, 4, 1), Bracket(1, 5, 2)]
    assert [(row.begins, row.lasts) for row in told] == [(0, 0), (0, 0.25), (0.25, 0.25), (0.5, 0.25), (0.75, 0.25)]
    assert trace_of(story(*UNDONE)) == "0" * 32


def test_what_became_of_a_message_stands_where_it_happened() -> None:
    """After the message, and before what was said later."""

    def diverted(course: str, seconds: float) -> DiversionShown:
        at = NOON + timedelta(seconds=seconds)
        return DiversionShown(service="x", id="e0", type="a", course=course, at=at, attempt=1, error="E", reason="r")

    told = rows(story(*UNDONE[:2], diversions=(diverted("retried", 0.2), diverted("parked", 0.5))))
    assert [row.diversion.course if row.diversion else row.event and row.event.type for row in told] == [
        "a.done.v1",
        "retried",
        "parked",
        "b.done.v1",
    ]
    assert rows(story(diversions=(diverted("parked", 0),)))[0].at == 1


def test_nothing_that_was_heard_breaks_out_of_a_page() -> None:
    """Whatever stands in an id, a type, a reason or the data, is text."""
    evil = event(SCRIPT, 1).model_copy(
        update={"id": SCRIPT, "source": SCRIPT, "data": {SCRIPT: SCRIPT}, "step": SCRIPT}
    )
    what = DiversionShown(
        service=SCRIPT, id=SCRIPT, type=SCRIPT, course="parked", at=NOON, attempt=1, error=SCRIPT, reason=SCRIPT
    )
    told = story(evil, diversions=(what,)).model_copy(
        update={"saga_id": f'"{SCRIPT}', "detail": SCRIPT, "reason": SCRIPT, "remaining": (SCRIPT,), "since": NOON}
    )
    shown = render(
        "story.html",
        who=SCRIPT,
        now=NOON,
        story=told,
        rows=rows(told),
        brackets=[],
        doors=frozenset(),
        trace=SCRIPT,
        trace_url=None,
        queues={SCRIPT: None},
    )
    assert SCRIPT not in shown
    assert shown.count("<script") == 1  # our own
    assert shown.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 15
    assert " style=" not in shown
    assert not re.search(r"\son\w+=", shown)


def test_the_scripts_and_styles_need_nobody_else() -> None:
    """No address in them, and few lines of script."""
    for name, (content, _) in STATIC.items():
        addresses = set(re.findall(rb"https?://[\w.]+", content)) - {b"http://www.w3.org"}
        assert not addresses, name
    assert STATIC["page.js"][0].count(b"\n") <= 75


async def test_a_token_lets_in_and_stays_in_a_cookie_that_no_script_and_no_other_site_can_use(
    client: httpx.AsyncClient,
) -> None:
    """For as long as the token is valid; the way leads back to the page that was asked for."""
    answer = await client.post("/ui/login", data={"token": f" {token()} ", "next": "/ui/sagas?state=stuck"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/ui/sagas?state=stuck")
    kept = SimpleCookie(answer.headers["Set-Cookie"])[login.COOKIE]
    assert (kept["httponly"], kept["samesite"], kept["path"], kept["secure"]) == (True, "strict", "/", "")
    assert 3590 <= int(kept["max-age"]) <= 3600
    secure = await client.post("https://observer/ui/login", data={"token": token()})
    assert SimpleCookie(secure.headers["Set-Cookie"])[login.COOKIE]["secure"]


@pytest.mark.parametrize("elsewhere", ["https://evil/", "//evil/", "/sagas", "", "javascript:alert(1)"])
async def test_the_login_leads_nowhere_else(client: httpx.AsyncClient, elsewhere: str) -> None:
    answer = await client.post("/ui/login", data={"token": token(), "next": elsewhere})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/ui/")


@pytest.mark.parametrize(
    ("given", "told"),
    [("", "not valid"), ("junk", "not valid"), (token(timedelta(seconds=-1)), "has expired")],
    ids=["none", "junk", "expired"],
)
async def test_a_token_that_is_not_valid_lets_nobody_in(client: httpx.AsyncClient, given: str, told: str) -> None:
    answer = await client.post("/ui/login", data={"token": given})
    assert (answer.status_code, told in answer.text, "Set-Cookie" in answer.headers) == (401, True, False)


async def test_a_form_that_has_far_too_much_is_refused(client: httpx.AsyncClient) -> None:
    """It is no accident: whoever isn't logged in could have the log filled with them."""
    answer = await client.post("/ui/login", data={f"field{number}": "x" for number in range(30)})
    assert (answer.status_code, "the form can" in answer.text) == (400, True)


async def test_logging_out_takes_the_cookie_away(client: httpx.AsyncClient) -> None:
    client.cookies.set(login.COOKIE, token())
    answer = await client.post("/ui/logout")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/ui/login")
    assert SimpleCookie(answer.headers["Set-Cookie"])[login.COOKIE]["max-age"] == "0"


async def test_every_page_says_what_it_may_load(client: httpx.AsyncClient) -> None:
    """Nothing inline, nothing from elsewhere, no frame around it; also when it says no. Scripts are kept for ever."""
    client.cookies.set(login.COOKIE, token())
    for path, status in (
        ("/", 303),
        ("/ui/login", 200),
        ("/ui/", 503),
        ("/ui/sagas/x", 503),
        ("/ui/sagas?after=%00", 422),
        ("/ui/static/page.js", 200),
        ("/ui/static/none", 404),
    ):
        answer = await client.get(path)
        assert answer.status_code == status, path
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
        assert ("unsafe" not in policy, "frame-ancestors 'none'" in policy) == (True, True)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
    assert "immutable" in (await client.get("/ui/static/page.css")).headers["Cache-Control"]
    assert (await client.get("/ui/login")).headers["Cache-Control"] == "no-store"


def test_the_management_ui_is_linked_without_a_password() -> None:
    told = settings(management_url="http://host:15672/")
    assert told.queues_url == "http://host:15672/#/queues/t1"
    assert settings(management_url="http://host", amqp_url="amqp://o:p@host/").queues_url == "http://host/#/queues/%2F"
    assert settings().queues_url is None
