"""The whole shop on Docker Compose, as its operator meets it."""

import json
import os
import secrets
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uuid_utils.compat as uuid

from infra.local.ports import LOOPBACK, free_ports
from saga.api import mint_token
from saga.testing import eventually

Json = dict[str, Any]

CHOICE = "SAGA_TEST_COMPOSE"
ROOT = Path(__file__).parents[2]
SERVICES = ("order", "inventory", "payment", "shipping")
PORTS = ("management", "amqp", "postgres", *SERVICES)
UP_SECONDS = 900.0  # the image may have to be built first

pytestmark = pytest.mark.timeout(UP_SECONDS + 120)


@dataclass
class Stack:
    """A compose project of its own, with passwords and ports of its own."""

    project: str
    ports: dict[str, int]
    password: str
    http: httpx.AsyncClient

    async def get(self, service: str, path: str) -> httpx.Response:
        return await self.http.get(f"http://{LOOPBACK}:{self.ports[service]}{path}")

    async def paste(self, routing_key: str, data: Json) -> None:
        """What Exchanges → orders → Publish message does in the management UI, for the administrator."""
        answer = await self.http.post(
            f"http://{LOOPBACK}:{self.ports['management']}/api/exchanges/%2F/orders/publish",
            json={
                "properties": {},
                "routing_key": routing_key,
                "payload": json.dumps(data),
                "payload_encoding": "string",
            },
            auth=("admin", self.password),
        )
        assert answer.json() == {"routed": True}

    async def fulfilled(self, order_id: str) -> None:
        """Return when the order service says so."""

        async def is_fulfilled() -> None:
            known = (await self.get("order", f"/orders/{order_id}")).json()
            assert known.get("status") == "fulfilled", known

        await eventually(is_fulfilled, within=30)

    async def ready(self) -> None:
        """Return when every service consumes and publishes."""

        async def are_ready() -> None:
            for service in SERVICES:
                answer = await self.get(service, "/health/ready")
                assert answer.status_code == httpx.codes.OK, f"{service}: {answer.text}"

        await eventually(are_ready, within=60)

    async def reserved(self, sku: str) -> int:
        return int((await self.get("inventory", f"/stock/{sku}")).json()["reserved"])

    def compose(self, *arguments: str) -> str:
        """What the command says; the test fails with it, and with the services' last lines, if the command does."""
        done = self._run(*arguments)
        if done.returncode:
            pytest.fail(f"docker compose {' '.join(arguments)}\n{done.stdout}{self._run('logs', '--tail=20').stdout}")
        return done.stdout

    def down(self) -> None:
        """Nothing of it is left, volumes included."""
        self._run("down", "--volumes", "--remove-orphans", "--timeout=20")

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        told = {f"SAGA_{name.upper()}_PORT": str(port) for name, port in self.ports.items()}
        told |= {"SAGA_ADMIN_PASSWORD": self.password, "SAGA_API_SECRET": self.password}
        command = ["docker", "compose", "--project-name", self.project, "--env-file", os.devnull, "--ansi=never"]
        return subprocess.run(  # noqa: S603 — the command stands above
            [*command, *arguments],
            cwd=ROOT,
            env={**os.environ, **told},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=UP_SECONDS,
            check=False,
        )


@pytest.fixture(scope="module")
def project() -> Iterator[Stack]:
    """The shop, up and healthy; gone without a trace afterwards."""
    if os.environ.get(CHOICE) != "1":
        pytest.skip(f"builds an image and starts seven containers; to run it, set {CHOICE}=1")
    for question in (["docker", "compose", "version"], ["docker", "info"]):
        if not _answers(question):
            pytest.skip(f"'{' '.join(question)}' does not answer here")
    password = secrets.token_hex(32)
    token = mint_token(password, "operator", timedelta(hours=1))
    http = httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=30)
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    stack = Stack(f"saga-test-{secrets.token_hex(4)}", ports, password, http)
    try:
        stack.compose("up", "--detach", "--build", "--wait", "--quiet-pull")
        yield stack
    finally:
        stack.down()


@pytest.fixture
async def shop(project: Stack) -> AsyncIterator[Stack]:
    yield project
    await project.http.aclose()


def _answers(question: list[str]) -> bool:
    try:
        return subprocess.run(question, capture_output=True, timeout=30, check=False).returncode == 0  # noqa: S603 — see its caller
    except (OSError, subprocess.TimeoutExpired):
        return False


def order(sku: str) -> Json:
    return {
        "order_id": str(uuid.uuid7()),
        "customer_id": "c-42",
        "currency": "EUR",
        "lines": [{"sku": sku, "quantity": 2, "unit_price": 4990}],
        "payment_method": "pm_card_visa",
        "ship_to": {
            "name": "Ada Lovelace",
            "street": "12 St James's Square",
            "city": "London",
            "postal_code": "SW1Y 4JH",
            "country": "GB",
        },
    }
