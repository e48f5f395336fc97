"""Stock and reservations in the database."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from uuid import UUID

import aiosql
from pydantic import BaseModel

from events import Allocation, StockRejected, StockReserved
from inventory_service.domain import Shelf
from saga import Tx

sql = aiosql.from_path(Path(__file__).with_name("queries.sql"), "asyncpg")

Held = Mapping[UUID, tuple[Allocation, ...]]


class WarehouseStock(BaseModel):
    warehouse: str
    on_hand: int
    reserved: int
    available: int


class SkuStock(BaseModel):
    """The counts over all warehouses, and of each."""

    sku: str
    on_hand: int
    reserved: int
    available: int
    warehouses: list[WarehouseStock]


class Reservation(BaseModel):
    order_id: UUID
    status: str
    reason: str | None
    allocations: list[Allocation]


async def lock_shelf(tx: Tx, skus: Iterable[str]) -> Shelf:
    """What is available of these skus; nobody else can reserve them before `tx` ends."""
    rows = await sql.lock_stock(tx, sorted(set(skus)))
    return Shelf({(row["sku"], row["warehouse"]): row["available"] for row in rows})


async def save_decisions(tx: Tx, decisions: Sequence[StockReserved | StockRejected]) -> None:
    """Hold what was reserved, and remember every decision."""
    reserved = [decision for decision in decisions if isinstance(decision, StockReserved)]
    await sql.add_reservations(
        tx,
        [decision.order_id for decision in decisions],
        ["reserved" if isinstance(decision, StockReserved) else "rejected" for decision in decisions],
        [None if isinstance(decision, StockReserved) else decision.reason for decision in decisions],
    )
    lines = [(decision.order_id, a.sku, a.warehouse, a.quantity) for decision in reserved for a in decision.allocations]
    if lines:
        order_ids, *places = map(list, zip(*lines, strict=True))
        await sql.add_lines(tx, order_ids, *places)
        await sql.reserve(tx, *places)


async def release(tx: Tx, reasons: Mapping[UUID, str]) -> Held:
    """Give back what these orders hold, and tell what that was. `reasons` are by order."""
    return await _end(tx, reasons, "released")


async def deduct(tx: Tx, order_ids: Iterable[UUID]) -> Held:
    """Take off the shelf what these orders hold, and tell what that was."""
    return await _end(tx, dict.fromkeys(order_ids), "deducted")


async def _end(tx: Tx, reasons: Mapping[UUID, str | None], status: str) -> Held:
    order_ids = sorted(reasons)
    held: defaultdict[UUID, tuple[Allocation, ...]] = defaultdict(tuple)
    rows = await sql.lock_held(tx, order_ids)
    for row in rows:
        line = Allocation(sku=row["sku"], warehouse=row["warehouse"], quantity=row["quantity"])
        held[UUID(int=row["order_id"].int)] += (line,)
    if rows:
        places = ([row["sku"] for row in rows], [row["warehouse"] for row in rows], [row["quantity"] for row in rows])
        await (sql.give_back if status == "released" else sql.take_away)(tx, *places)
        await sql.end_reservations(tx, order_ids, status, [reasons[order_id] for order_id in order_ids])
    return held


async def stock(tx: Tx, sku: str | None = None) -> list[SkuStock]:
    """Every sku, or the one that is asked for; none, if it isn't known."""
    rows = await (sql.all_stock(tx) if sku is None else sql.stock_of(tx, sku))
    warehouses: defaultdict[str, list[WarehouseStock]] = defaultdict(list)
    for row in rows:
        counts = WarehouseStock(available=row["on_hand"] - row["reserved"], **dict(row))
        warehouses[row["sku"]].append(counts)
    return [
        SkuStock(
            sku=sku,
            on_hand=sum(place.on_hand for place in places),
            reserved=sum(place.reserved for place in places),
            available=sum(place.available for place in places),
            warehouses=places,
        )
        for sku, places in warehouses.items()
    ]


async def count(tx: Tx, sku: str, warehouse: str, on_hand: int) -> bool:
    """Set what is on hand; False, if more than that is reserved."""
    return await sql.count_stock(tx, sku, warehouse, on_hand) is not None


async def reservation(tx: Tx, order_id: UUID) -> Reservation | None:
    row = await sql.reservation_of(tx, order_id)
    if row is None:
        return None
    lines = [Allocation(**dict(line)) for line in await sql.lines_of(tx, order_id)]
    return Reservation(allocations=lines, **dict(row))
