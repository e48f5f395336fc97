"""The whole shop, as its customers, its operators and strangers see it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import quote
from uuid import UUID

import asyncpg
import httpx

from events import Event, OrderPlaced
from infra.local.system import Services
from saga.audit import Report, audit
from saga.provisioning import DatabaseServer, Deployment
from saga.testing import Stage, eventually
from saga.tokens import mint_token
from tests.builders import address, line, order_placed

Json = dict[str, Any]
T = TypeVar("T")


@dataclass
class Shop:
    deployment: Deployment
    services: Services
    stage: Stage
    http: httpx.AsyncClient

    @classmethod
    def open(cls, deployment: Deployment, services: Services, stage: Stage) -> "Shop":
        token = mint_token(deployment.api_secret, "test", timedelta(hours=1))
        http = httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=30)
        return cls(deployment, services, stage, http)

    async def publish(self, event: Event) -> UUID:
        """Say it as a stranger would; the order's id."""
        await self.stage.say(event)
        return UUID(event.saga_id)

    async def eventually(self, order_id: UUID, status: str, reason: str | None = None, within: float = 20) -> Json:
        """The order, as soon as it has this status for this reason."""

        async def reached() -> Json:
            known = await self.order(order_id)
            assert (known.get("status"), known.get("reason")) == (status, reason), known
            return known

        return await eventually(reached, within)

    async def order(self, order_id: UUID) -> Json:
        return await self.get("order", f"/orders/{order_id}")

    async def get(self, service: str, path: str) -> Json:
        response = await self.http.get(self.services.url(service) + path)
        found: Json = response.json()
        return found

    async def available(self, sku: str) -> int:
        return int((await self.get("inventory", f"/stock/{sku}"))["available"])

    async def stock_up(self, sku: str, **pieces: int) -> None:
        """So many on hand, by warehouse."""
        for warehouse, on_hand in pieces.items():
            count = {"warehouse": warehouse, "on_hand": on_hand}
            response = await self.http.put(f"{self.services.url('inventory')}/stock/{quote(sku, safe='')}", json=count)
            response.raise_for_status()

    async def post(self, service: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        return await self.http.post(self.services.url(service) + path, json=body, headers=headers)

    async def delete(self, service: str, path: str) -> httpx.Response:
        return await self.http.delete(self.services.url(service) + path)

    async def settled(self) -> None:
        """Return when nothing moves any more: no outbox row, no open call, no waiting message but dead letters."""
        quiet = 0

        async def is_quiet() -> bool:
            nonlocal quiet
            quiet = 0 if await self._moves() else quiet + 1
            await asyncio.sleep(0.1)
            return quiet >= 5  # between two looks a message may go from a queue to an outbox

        await eventually(is_quiet, within=60)

    async def _moves(self) -> bool:
        for service in self.deployment.services:
            query = "SELECT EXISTS (SELECT FROM saga.outbox) OR EXISTS (SELECT FROM saga.call)"
            if (await self.ask(service.name, query))[0][0] or await self.stage.waiting(service.name):
                return True
        return False

    async def ask(self, service: str, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Ask a service's database, as its administrator."""
        server = DatabaseServer(self.deployment.administrator.postgres)
        connection = await asyncpg.connect(server.url_of(self.deployment.prefix + service))
        try:
            return await connection.fetch(query, *arguments)
        finally:
            await connection.close()

    async def audit(self, **how: Any) -> Report:
        """All books held against each other, over all orders there have ever been."""
        return await audit(
            self.deployment.services, self.deployment.administrator, prefix=self.deployment.prefix, **how
        )

    async def unbalanced(self) -> list[str]:
        """The laws that don't hold, now that everything is settled."""
        return [str(breach) for breach in (await self.audit(settled=True)).breaches]


@asynccontextmanager
async def aside(context: AbstractContextManager[T]) -> AsyncIterator[T]:
    """Enter and leave it in a thread: it may take longer than a broker waits for a sign of life from the stage."""
    entered = await asyncio.to_thread(context.__enter__)
    try:
        yield entered
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)


def order_for(
    sku: str = "CHAIR",
    quantity: int = 2,
    unit_price: int = 4990,
    payment_method: str = "pm_card_visa",
    country: str = "GB",
) -> OrderPlaced:
    """An order of one line."""
    return order_placed(
        lines=(line(sku, quantity, unit_price),), payment_method=payment_method, ship_to=address(country=country)
    )


def order_data(order: OrderPlaced, **changes: object) -> Json:
    """The order as plain JSON data, with changes that may make it wrong."""
    return order.model_dump(mode="json") | changes
