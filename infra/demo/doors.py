"""The ways in which the outside world places and cancels orders."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Self
from uuid import UUID, uuid4

import aio_pika
import httpx
from aio_pika import DeliveryMode, Message
from pamqp.common import FieldValue

from events import CONTENT_TYPE, Event, OrderCancelled, OrderPlaced
from saga.testing import enveloped


class Door(StrEnum):
    STRUCTURED = "AMQP"
    BINARY = "AMQP binary"
    BARE = "AMQP bare"
    MANAGEMENT = "UI form"
    REST = "REST"


class Doors:
    """All doors of a running system, by its endpoints."""

    def __init__(self, endpoints: Mapping[str, str]) -> None:
        self._endpoints = endpoints
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        headers = {"Authorization": f"Bearer {self._endpoints['token']}"}
        self._http = await self._stack.enter_async_context(httpx.AsyncClient(headers=headers, timeout=30))
        self._management = await self._stack.enter_async_context(httpx.AsyncClient(timeout=30))
        connection = await aio_pika.connect(self._endpoints["amqp_publisher"])
        await self._stack.enter_async_context(connection)
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        self._orders = await channel.get_exchange("orders", ensure=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def place(self, order: OrderPlaced, door: Door) -> None:
        if door is Door.REST:
            body = order.model_dump(mode="json")
            (await self._http.post(f"{self._endpoints['order']}/orders", json=body)).raise_for_status()
        else:
            await self._publish(order, door)

    async def cancel(self, order_id: UUID, reason: str, door: Door) -> None:
        if door is Door.REST:
            url = f"{self._endpoints['order']}/orders/{order_id}/cancel"
            (await self._http.post(url, json={"reason": reason})).raise_for_status()
        else:
            await self._publish(OrderCancelled(order_id=order_id, reason=reason), door)

    async def dispatch(self, order_id: UUID) -> None:
        (await self._http.post(f"{self._endpoints['shipping']}/shipments/{order_id}/dispatch")).raise_for_status()

    async def count(self, sku: str, warehouse: str, on_hand: int) -> None:
        url = f"{self._endpoints['inventory']}/stock/{sku}"
        (await self._http.put(url, json={"warehouse": warehouse, "on_hand": on_hand})).raise_for_status()

    async def order(self, order_id: UUID) -> dict[str, object]:
        """How the order stands; nothing, as long as the order service hasn't heard of it."""
        response = await self._http.get(f"{self._endpoints['order']}/orders/{order_id}")
        if response.status_code == HTTPStatus.NOT_FOUND:
            return {}
        known: dict[str, object] = response.raise_for_status().json()
        return known

    async def _publish(self, event: Event, door: Door) -> None:
        if door is Door.MANAGEMENT:
            await self._paste(event)
            return
        message = {Door.STRUCTURED: _structured, Door.BINARY: _binary, Door.BARE: _bare}[door](event)
        await self._orders.publish(message, event.event_type, mandatory=True)

    async def _paste(self, event: Event) -> None:
        """As a person does in the management UI's form: just the data, no properties."""
        url = f"{self._endpoints['management']}/api/exchanges/%2F/orders/publish"
        form = {
            "properties": {},
            "routing_key": event.event_type,
            "payload": event.model_dump_json(),
            "payload_encoding": "string",
        }
        (await self._management.post(url, json=form)).raise_for_status()


def _structured(event: Event) -> Message:
    envelope = enveloped(event, source="demo")
    body = envelope.encode()
    return Message(body, content_type=CONTENT_TYPE, message_id=envelope.id, delivery_mode=DeliveryMode.PERSISTENT)


def _binary(event: Event) -> Message:
    attributes = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "demo",
        "type": event.event_type,
        "time": datetime.now(UTC).isoformat(),
    }
    headers: dict[str, FieldValue] = {f"cloudEvents:{name}": value for name, value in attributes.items()}
    body = event.model_dump_json().encode()
    return Message(body, headers=headers, content_type="application/json", delivery_mode=DeliveryMode.PERSISTENT)


def _bare(event: Event) -> Message:
    return Message(event.model_dump_json().encode(), delivery_mode=DeliveryMode.PERSISTENT)
