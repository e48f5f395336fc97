"""Shipping's REST API."""

from http import HTTPStatus
from uuid import UUID

from fastapi import APIRouter, HTTPException

from saga import Door, transaction
from shipping_service import store
from shipping_service.handlers import CancelShipment, Dispatch
from shipping_service.store import Shipment

router = APIRouter(tags=["shipping"])


@router.get("/shipments/{order_id}")
async def get_shipment(order_id: UUID, door: Door) -> Shipment:
    async with transaction(door.pool) as tx:
        found = await store.shipment(tx, order_id)
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"there is no shipment for order {order_id}")
    return found


@router.post("/shipments/{order_id}/dispatch")
async def post_dispatch(order_id: UUID, door: Door) -> Shipment:
    """Hand the parcels over. Asking again changes nothing; refused, unless the shipment is scheduled."""
    await get_shipment(order_id, door)
    await door.ask(Dispatch(order_id=order_id))
    return await get_shipment(order_id, door)


@router.delete("/shipments/{order_id}", status_code=HTTPStatus.ACCEPTED)
async def delete_shipment(order_id: UUID, door: Door) -> Shipment:
    """Cancel the shipment, and with it the order, unless the parcels have left. Asking again changes nothing."""
    await get_shipment(order_id, door)
    await door.ask(CancelShipment(order_id=order_id))
    return await get_shipment(order_id, door)
