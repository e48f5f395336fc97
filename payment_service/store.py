"""Payments in the database."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import aiosql
from pydantic import BaseModel

from events import StockReserved
from saga import Tx

sql = aiosql.from_path(Path(__file__).with_name("queries.sql"), "asyncpg")


class Payment(BaseModel):
    """Amounts in the currency's minor unit. `charge_id` is the gateway's name for it."""

    order_id: UUID
    payment_id: str
    status: str
    amount: int
    currency: str
    captured: int
    refunded: int
    charge_id: str | None
    reason: str | None


async def open_payments(tx: Tx, reserved: Sequence[StockReserved]) -> None:
    await sql.open_payments(
        tx,
        [event.order_id for event in reserved],
        [f"pay_{event.order_id.hex}" for event in reserved],
        [event.amount for event in reserved],
        [event.currency for event in reserved],
    )


async def record_captured(tx: Tx, order_id: UUID, charge_id: str) -> str:
    """Our id of the payment."""
    payment_id: str = await sql.record_captured(tx, order_id, charge_id)
    return payment_id


async def record_declined(tx: Tx, order_id: UUID, reason: str) -> None:
    await sql.record_declined(tx, order_id, reason)


async def lock(tx: Tx, order_id: UUID) -> Payment | None:
    """The payment, which nobody else changes before `tx` ends."""
    row = await sql.lock_payment(tx, order_id)
    return Payment(**dict(row)) if row else None


async def begin_refund(tx: Tx, order_id: UUID) -> None:
    await sql.begin_refund(tx, order_id)


async def record_refunded(tx: Tx, order_id: UUID, amount: int) -> None:
    await sql.record_refunded(tx, order_id, amount)


async def payment(tx: Tx, order_id: UUID) -> Payment | None:
    row = await sql.payment_of(tx, order_id)
    return Payment(**dict(row)) if row else None
