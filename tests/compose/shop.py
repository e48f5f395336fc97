"""The shop, as the administrator sees it in a browser and a customer over REST."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from events import OrderPlaced
from saga.testing import eventually
from tests.compose.stack import SERVICES, Stack

Json = dict[str, Any]


@dataclass(frozen=True)
class Shop:
    stack: Stack
    http: httpx.AsyncClient

    async def paste(self, order: OrderPlaced) -> None:
        """What Exchanges → orders → Publish message does in the management UI with an order's bare JSON."""
        answer = await self.http.post(
            f"{self.stack.url('management')}/api/exchanges/%2F/orders/publish",
            auth=("admin", self.stack.admin_password),
            json={
                "properties": {},
                "routing_key": "order.placed.v1",
                "payload": order.model_dump_json(),
                "payload_encoding": "string",
            },
        )
        assert answer.json() == {"routed": True}

    async def get(self, service: str, path: str) -> Json:
        found: Json = (await self.http.get(f"{self.stack.url(service)}{path}")).json()
        return found

    async def fulfilled(self, order_id: UUID) -> Json:
        """The order, as soon as its service says so."""

        async def is_fulfilled() -> Json:
            known = await self.get("order", f"/orders/{order_id}")
            assert known.get("status") == "fulfilled", known
            return known

        return await eventually(is_fulfilled, within=30)

    async def reserved(self, sku: str) -> int:
        return int((await self.get("inventory", f"/stock/{sku}"))["reserved"])

    async def ready(self) -> None:
        """Return when every service says that it consumes, and that database and broker answer."""

        async def are_ready() -> bool:
            told = {service: await self.get(service, "/health/ready") for service in SERVICES}
            assert all(all(parts.values()) for parts in told.values()), told
            return True

        await eventually(are_ready, within=60)
