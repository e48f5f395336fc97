"""The branch's REST API."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from fastapi import APIRouter, HTTPException

from examples.multi_warehouse.branch.handlers import Shelve, sql
from saga import Door, transaction

router = APIRouter(tags=["branch"])


@router.post("/transfers/{transfer_id}/shelve", status_code=HTTPStatus.ACCEPTED)
async def post_shelving(transfer_id: UUID, door: Door) -> dict[str, str]:
    """Put the pieces that have come onto the shelf."""
    await door.ask(Shelve(transfer_id=transfer_id))
    return {"transfer_id": str(transfer_id)}


@router.get("/stock/{sku}")
async def get_stock(sku: str, door: Door) -> dict[str, Any]:
    """How many pieces are on the shelf and in the store room."""
    async with transaction(door.pool) as tx:
        found = await tx.fetchrow(sql.stock, sku)
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"sku {sku} is not known")
    return dict(found)
