"""Payment's REST API."""

from http import HTTPStatus
from uuid import UUID

from fastapi import APIRouter, HTTPException

from payment_service import store
from payment_service.handlers import RefundPayment
from payment_service.store import Payment
from saga import Door, transaction

router = APIRouter(tags=["payment"])


@router.get("/payments/{order_id}")
async def get_payment(order_id: UUID, door: Door) -> Payment:
    async with transaction(door.pool) as tx:
        found = await store.payment(tx, order_id)
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"there is no payment for order {order_id}")
    return found


@router.post("/payments/{order_id}/refund", status_code=HTTPStatus.ACCEPTED)
async def post_refund(order_id: UUID, door: Door) -> Payment:
    """Give the money back, and release the stock after it. Asking again changes nothing."""
    await get_payment(order_id, door)
    await door.ask(RefundPayment(order_id=order_id))
    return await get_payment(order_id, door)
