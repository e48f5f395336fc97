"""The sender's bank's REST API."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from fastapi import APIRouter, HTTPException

from examples.bank_transfer.events import TransferOrdered
from examples.bank_transfer.giro.handlers import OrderTransfer, sql
from saga import Door, transaction

router = APIRouter(tags=["giro"])


@router.post("/transfers", status_code=HTTPStatus.ACCEPTED)
async def post_transfer(transfer: TransferOrdered, door: Door) -> dict[str, str]:
    """Order a transfer. Ordering the same one again changes nothing."""
    await door.ask(OrderTransfer(transfer=transfer))
    return {"transfer_id": transfer.saga_id}


@router.get("/transfers/{transfer_id}")
async def get_transfer(transfer_id: UUID, door: Door) -> dict[str, Any]:
    """How it stands: refused, in flight, landed or reversed."""
    async with transaction(door.pool) as tx:
        found = await tx.fetchrow(sql.transfer, transfer_id)
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"transfer {transfer_id} is not known")
    return dict(found)


@router.get("/accounts/{name}")
async def get_account(name: str, door: Door) -> dict[str, Any]:
    """What it holds, in cents."""
    async with transaction(door.pool) as tx:
        found = await tx.fetchrow(sql.account, name)
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"account {name} is not known")
    return dict(found)
