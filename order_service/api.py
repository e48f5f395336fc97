"""The front door's REST API."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID, uuid5

import uuid_utils.compat as uuid
from fastapi import APIRouter, Body, Header, HTTPException, Query
from pydantic import BaseModel, Field

from events import OrderPlaced
from events.values import Reason
from order_service import store
from order_service.domain import Status
from order_service.handlers import CancelOrder, PlaceOrder
from order_service.store import Order
from saga import CommandRefused, Door, transaction

router = APIRouter(tags=["order"])

_ORDERS_BY_KEY = UUID("0b6e1f9c-0a53-5f0e-8f53-6d1a7f2b9c11")

IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=255, pattern=r"^[\x20-\x7e]+$")]


class NewOrder(OrderPlaced):
    """The data of `order.placed.v1`; without an `order_id`, it gets one."""

    order_id: UUID = Field(default_factory=uuid.uuid7)


class Cancellation(BaseModel):
    reason: Reason = "cancelled"


@router.post("/orders", status_code=HTTPStatus.ACCEPTED)
async def post_order(new: NewOrder, door: Door, idempotency_key: IdempotencyKey = None) -> Order:
    """Place an order. Placing the same one again, under its `order_id` or an `Idempotency-Key`, changes nothing.

    The key is honoured as the IETF's draft says (draft-ietf-httpapi-idempotency-key-header): used again for another
    order, it is refused with 422.
    """
    if idempotency_key and "order_id" not in new.model_fields_set:
        new = new.model_copy(update={"order_id": uuid5(_ORDERS_BY_KEY, idempotency_key)})
    order = OrderPlaced.model_validate(new.model_dump())
    if known := await _known(order, idempotency_key, door):
        return known
    await door.ask(PlaceOrder(order_id=order.order_id, order=order, idempotency_key=idempotency_key))
    return await _known(order, idempotency_key, door) or await get_order(order.order_id, door)


@router.get("/orders/{order_id}")
async def get_order(order_id: UUID, door: Door) -> Order:
    async with transaction(door.pool) as tx:
        found = await store.order(tx, order_id)
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"order {order_id} is not known")
    return found


@router.get("/orders")
async def get_orders(
    door: Door,
    status: Annotated[Status | None, Query()] = None,
    after: Annotated[UUID | None, Query(description="the last order of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[Order]:
    """From the newest."""
    async with transaction(door.pool) as tx:
        return await store.orders(tx, status, after, limit)


@router.post("/orders/{order_id}/cancel", status_code=HTTPStatus.ACCEPTED)
async def post_cancel(
    order_id: UUID, door: Door, cancellation: Annotated[Cancellation | None, Body()] = None
) -> dict[str, str]:
    """Have the order undone. It may not have been heard of yet: then it will be undone when it is.

    Whether it still can be undone is decided by shipping; see the order's status.
    """
    reason = (cancellation or Cancellation()).reason
    await door.ask(CancelOrder(order_id=order_id, reason=reason))
    return {"order_id": str(order_id), "reason": reason}


async def _known(order: OrderPlaced, idempotency_key: str | None, door: Door) -> Order | None:
    """The order, if it has been placed before. Refuses another one under the same key or id."""
    async with transaction(door.pool) as tx:
        under_key = await store.order_by_key(tx, idempotency_key) if idempotency_key else None
        under_id = await store.order(tx, order.order_id)
    if under_key and not (under_key.order_id == order.order_id and under_key.was_placed_as(order)):
        detail = f"Idempotency-Key {idempotency_key!r} was used for another order, {under_key.order_id}"
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
    if under_id and under_id.lines and not under_id.was_placed_as(order):
        raise CommandRefused("order_exists", f"there is another order {order.order_id} already")
    return under_id if under_id and under_id.lines else None
