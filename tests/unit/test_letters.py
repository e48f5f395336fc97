"""What the pages make of the services' answers about their dead letters, whatever those are."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from observer_service.letters import Letters, NotSettled, Shelf

LETTER = {
    "id": "a/b?c",
    "service": "payment",
    "type": "stock.reserved.v1",
    "saga_id": None,
    "error": "RuntimeError",
    "reason": "broken",
    "attempts": 3,
    "parked_at": "2026-11-23T12:00:00Z",
    "step": "capture_payment",
    "refusable": True,
}


class Service(ThreadingHTTPServer):
    """Answers everything alike, and remembers what it was asked."""

    def __init__(self, status: int, answer: object) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.status, self.answer = status, answer
        self.asked: list[tuple[str, str, str, Any]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Answering(BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        told = json.loads(body) if body else None
        self.server.asked.append((self.command, self.path, self.headers["Authorization"], told))
        answer = json.dumps(self.server.answer).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET  # noqa: N815 — as the base class calls it

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def service(answer: object, status: int = 200) -> Iterator[Service]:
    with Service(status, answer) as serving:
        Thread(target=serving.serve_forever, args=(0.01,), daemon=True).start()
        yield serving
        serving.shutdown()


async def test_a_service_is_asked_in_the_name_of_who_is_logged_in() -> None:
    """And each letter by its own id, whatever that looks like."""
    with service([LETTER]) as payment:
        letters = Letters({"payment": f"{payment.url}/"}, "ada")
        (shelf,) = await letters.shelves()
        assert [(letter.id, letter.step, letter.refusable) for letter in shelf.letters] == [
            ("a/b?c", "capture_payment", True)
        ]
        await letters.settle("payment", shelf.letters[0].id, "replay", {})
        await letters.settle("payment", shelf.letters[0].id, "discard", {"reason": "old"})
    assert payment.asked == [
        ("GET", "/dead", "Bearer ada", None),
        ("POST", "/dead/a%2Fb%3Fc/replay", "Bearer ada", None),
        ("POST", "/dead/a%2Fb%3Fc/discard", "Bearer ada", {"reason": "old"}),
    ]


async def test_a_service_that_cannot_be_asked_hides_no_other() -> None:
    """It is told why."""
    nobody = "http://127.0.0.1:9"
    with service([]) as fine, service({"what": "?"}) as odd, service({"detail": "not now"}, 503) as busy:
        services = {"fine": fine.url, "odd": odd.url, "busy": busy.url, "gone": nobody}
        told = await Letters(services, "ada").shelves()
    assert told == [
        Shelf("fine"),
        Shelf("odd", trouble="its answer is no list of letters"),
        Shelf("busy", trouble="busy says 503: not now"),
        Shelf("gone", trouble="gone does not answer (ConnectError)"),
    ]


@pytest.mark.parametrize(
    ("answer", "told"),
    [({"detail": "it has no refusal"}, "409: it has no refusal"), ("?", "409: Conflict"), ({}, "409: Conflict")],
)
async def test_what_a_service_does_not_do_is_told_in_its_words(answer: object, told: str) -> None:
    with service(answer, 409) as payment, pytest.raises(NotSettled, match=told):
        await Letters({"payment": payment.url}, "ada").settle("payment", "1", "refuse", {})


async def test_nobody_else_is_asked() -> None:
    """Whatever a form says: only the services of the settings."""
    with pytest.raises(NotSettled, match="there is no service 'evil'"):
        await Letters({}, "ada").settle("evil", "1", "replay", {})
