"""The depot's REST API."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from fastapi import APIRouter, HTTPException

from examples.multi_warehouse.depot.handlers import CancelTransfer, RequestTransfer, sql
from examples.multi_warehouse.events import TransferCancelled, TransferRequested
from saga import Door, transaction

router = APIRouter(tags=["depot"])


@router.post("/transfers", status_code=HTTPStatus.ACCEPTED)
async def post_transfer(transfer: TransferRequested, door: Door) -> dict[str, str]:
    """Request a transfer. Requesting the same one again changes nothing."""
    await door.ask(RequestTransfer(transfer=transfer))
    return {"transfer_id": transfer.saga_id}


@router.post("/transfers/{transfer_id}/cancel", status_code=HTTPStatus.ACCEPTED)
async def post_cancellation(transfer_id: UUID, door: Door) -> dict[str, str]:
    """Cancel a transfer, unless its pieces are for sale already."""
    await door.ask(CancelTransfer(transfer=TransferCancelled(transfer_id=transfer_id)))
    return {"transfer_id": str(transfer_id)}


@router.get("/stock/{sku}")
async def get_stock(sku: str, door: Door) -> dict[str, Any]:
    """How many pieces are on the shelf, and on the road."""
    async with transaction(door.pool) as tx:
        found = await tx.fetchrow(sql.stock, sku)
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"sku {sku} is not known")
    return dict(found)
