"""The recipient's bank's REST API."""

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, HTTPException

from examples.bank_transfer.savings.handlers import sql
from saga import Door, transaction

router = APIRouter(tags=["savings"])


@router.get("/accounts/{name}")
async def get_account(name: str, door: Door) -> dict[str, Any]:
    """What it holds, in cents, and whether it is closed."""
    async with transaction(door.pool) as tx:
        found = await tx.fetchrow(sql.account, name)
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"account {name} is not known")
    return dict(found)
