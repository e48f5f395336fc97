"""Orders in the database."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from events import Address, Line, OrderPlaced
from order_service.domain import Progress, Status
from saga import CommandRefused, Tx, queries

sql = queries(__file__)


class KeyTaken(CommandRefused):
    """Two requests used the same idempotency key at the same time, for different orders."""

    def __init__(self, detail: str) -> None:
        super().__init__("idempotency_key_in_use", detail)


class Order(BaseModel):
    """An order as its customers see it. Its details are unknown while only later facts have been heard of it."""

    order_id: UUID
    status: Status
    reason: str | None
    amount: int | None
    customer_id: str | None = None
    currency: str | None = None
    lines: tuple[Line, ...] | None = None
    payment_method: str | None = None
    ship_to: Address | None = None
    fulfil_within: int | None = None
    heard: list[str]
    placed_at: datetime
    changed_at: datetime

    def was_placed_as(self, order: OrderPlaced) -> bool:
        """Whether it is the same order, or one that only has the same id."""
        return all(getattr(self, field) == getattr(order, field) for field in OrderPlaced.model_fields)


async def place(tx: Tx, order: OrderPlaced, idempotency_key: str | None) -> bool:
    """False, if there is an order of that id already. Raises KeyTaken, if there is another one under the key."""
    details = order.model_dump_json()
    told = (order.order_id, details, order.amount, order.fulfil_within, idempotency_key)
    try:
        new = await tx.fetchval(sql.place_order, *told)
    except asyncpg.UniqueViolationError:
        raise KeyTaken(f"Idempotency-Key {idempotency_key!r} is in use for another order") from None
    return new is not None


async def lock(tx: Tx, order_ids: Iterable[UUID]) -> dict[UUID, Progress]:
    """How far the known ones of these orders have come; nobody else changes that before `tx` ends."""
    return {
        row["order_id"]: Progress(Status(row["status"]), row["reason"], frozenset(row["heard"]))
        for row in await tx.fetch(sql.lock_orders, sorted(order_ids))
    }


async def add(tx: Tx, progress: Mapping[UUID, Progress], placed: Mapping[UUID, OrderPlaced]) -> set[UUID]:
    """Remember orders that weren't known; those that somebody else has just added are not among what it returns."""
    if not progress:
        return set()
    return {row["order_id"] for row in await tx.fetch(sql.add_orders, *_columns(progress, placed))}


async def save(tx: Tx, progress: Mapping[UUID, Progress], placed: Mapping[UUID, OrderPlaced]) -> None:
    """How far these orders have come now, and the details of those that were placed."""
    if progress:
        await tx.execute(sql.save_progress, *_columns(progress, placed))


def _columns(progress: Mapping[UUID, Progress], placed: Mapping[UUID, OrderPlaced]) -> Sequence[Sequence[object]]:
    details = [placed.get(order_id) for order_id in progress]
    return (
        list(progress),
        [known.status for known in progress.values()],
        [known.reason for known in progress.values()],
        [" ".join(sorted(known.heard)) for known in progress.values()],
        [order and order.model_dump_json() for order in details],
        [order and order.amount for order in details],
        [order and order.fulfil_within for order in details],
    )


async def lock_late(tx: Tx, usual: timedelta, most: int) -> list[UUID]:
    """Orders whose time to be fulfilled is up, by the database's clock; nobody else changes them before `tx` ends."""
    return [row["order_id"] for row in await tx.fetch(sql.lock_late, usual, most)]


async def order(tx: Tx, order_id: UUID) -> Order | None:
    return _order(await tx.fetchrow(sql.order_of, order_id))


async def order_by_key(tx: Tx, idempotency_key: str) -> Order | None:
    return _order(await tx.fetchrow(sql.order_by_key, idempotency_key))


async def orders(tx: Tx, status: Status | None, after: UUID | None, limit: int) -> list[Order]:
    """From the newest; the next page begins after the last order of this one."""
    rows = await tx.fetch(sql.list_orders, status, after, limit)
    return [found for found in map(_order, rows) if found]


def _order(row: asyncpg.Record | None) -> Order | None:
    if row is None:
        return None
    details: dict[str, Any] = json.loads(row["details"] or "{}")
    known = {key: row[key] for key in ("order_id", "status", "reason", "amount", "heard", "changed_at")}
    return Order.model_validate({**details, **known, "placed_at": row["seen_at"]})
