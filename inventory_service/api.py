"""Inventory's REST API."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, HTTPException, Path
from pydantic import BaseModel, Field, StringConstraints

from events import OrderPlaced
from inventory_service import store
from inventory_service.handlers import ReleaseStock
from inventory_service.store import Reservation, SkuStock
from saga import CommandRefused, Door, transaction

router = APIRouter(tags=["inventory"])

Sku = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[^\s\x00]+$")]


class Count(BaseModel):
    """So many pieces are on hand in this warehouse, reserved ones included."""

    warehouse: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
    on_hand: Annotated[int, Field(strict=True, ge=0, le=10**15)]


@router.get("/stock")
async def get_all_stock(door: Door) -> list[SkuStock]:
    async with transaction(door.pool) as tx:
        return await store.stock(tx)


@router.get("/stock/{sku:path}")
async def get_stock(sku: Sku, door: Door) -> SkuStock:
    async with transaction(door.pool) as tx:
        found = await store.stock(tx, sku)
    if not found:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"no warehouse has ever had {sku!r}")
    return found[0]


@router.put("/stock/{sku:path}")
async def put_stock(sku: Sku, count: Count, door: Door) -> SkuStock:
    """Set what a count found. Refused, if more than that is reserved there."""
    async with transaction(door.pool) as tx:
        if not await store.count(tx, sku, count.warehouse, count.on_hand):
            raise CommandRefused(
                "reserved", f"more than {count.on_hand} of {sku!r} are reserved in {count.warehouse!r}"
            )
        return (await store.stock(tx, sku))[0]


@router.post("/reservations", status_code=HTTPStatus.CREATED)
async def post_reservation(order: OrderPlaced, door: Door) -> Reservation:
    """Reserve as if the order's event had been heard. Asking again changes nothing."""
    await door.ask(order)
    return await _reservation(order.order_id, door)


@router.delete("/reservations/{order_id}")
async def delete_reservation(order_id: UUID, door: Door) -> Reservation:
    """Release what the order holds, and say so. Asking again changes nothing."""
    await _reservation(order_id, door)
    await door.ask(ReleaseStock(order_id=order_id))
    return await _reservation(order_id, door)


async def _reservation(order_id: UUID, door: Door) -> Reservation:
    async with transaction(door.pool) as tx:
        found = await store.reservation(tx, order_id)
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"nothing is or was reserved for order {order_id}")
    return found
