"""Payments in the database."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from pydantic import BaseModel

from events import StockReserved
from payment_service.gateway import Capture, Charged, Declined
from saga import Tx, queries

sql = queries(__file__)


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
    await tx.execute(
        sql.open_payments,
        [event.order_id for event in reserved],
        [f"pay_{event.order_id.hex}" for event in reserved],
        [event.amount for event in reserved],
        [event.currency for event in reserved],
    )


async def record_answers(tx: Tx, captures: Sequence[Capture], answers: Sequence[Charged | Declined]) -> dict[UUID, str]:
    """Our ids of these payments, by order."""
    rows = await tx.fetch(
        sql.record_answers,
        [capture.order_id for capture in captures],
        [answer.charge_id if isinstance(answer, Charged) else None for answer in answers],
        [answer.reason if isinstance(answer, Declined) else None for answer in answers],
    )
    return {row["order_id"]: row["payment_id"] for row in rows}


async def record_refused(tx: Tx, order_id: UUID, reason: str) -> None:
    """Nobody was asked for money."""
    await tx.execute(sql.record_refused, order_id, f"pay_{order_id.hex}", reason)


async def lock(tx: Tx, order_id: UUID) -> Payment | None:
    """The payment, which nobody else changes before `tx` ends."""
    row = await tx.fetchrow(sql.lock_payment, order_id)
    return Payment(**dict(row)) if row else None


async def begin_refund(tx: Tx, order_id: UUID) -> None:
    await tx.execute(sql.begin_refund, order_id)


async def record_refunded(tx: Tx, order_id: UUID, amount: int) -> None:
    await tx.execute(sql.record_refunded, order_id, amount)


async def close(tx: Tx, order_ids: Iterable[UUID]) -> None:
    """These payments will never be asked back by an order that is undone."""
    await tx.execute(sql.close_payments, sorted(order_ids))


async def payment(tx: Tx, order_id: UUID) -> Payment | None:
    row = await tx.fetchrow(sql.payment_of, order_id)
    return Payment(**dict(row)) if row else None
