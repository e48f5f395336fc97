"""Stock and reservations in the database."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from pydantic import BaseModel

from events import Allocation, StockRejected, StockReserved
from inventory_service.domain import Shelf
from saga import Tx, queries

sql = queries(__file__)

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
    rows = await tx.fetch(sql.lock_stock, sorted(set(skus)))
    return Shelf({(row["sku"], row["warehouse"]): row["available"] for row in rows})


async def save_decisions(tx: Tx, decisions: Sequence[StockReserved | StockRejected]) -> None:
    """Hold what was reserved, and remember every decision."""
    reserved = [decision for decision in decisions if isinstance(decision, StockReserved)]
    lines = [(decision.order_id, allocation) for decision in reserved for allocation in decision.allocations]
    await tx.execute(
        sql.save_decisions,
        [decision.order_id for decision in decisions],
        ["reserved" if isinstance(decision, StockReserved) else "rejected" for decision in decisions],
        [None if isinstance(decision, StockReserved) else decision.reason for decision in decisions],
        [order_id for order_id, _ in lines],
        [held.sku for _, held in lines],
        [held.warehouse for _, held in lines],
        [held.quantity for _, held in lines],
    )


async def release(tx: Tx, reasons: Mapping[UUID, str]) -> Held:
    """Give back what these orders hold, and tell what that was. `reasons` are by order."""
    return await _end(tx, reasons, "released")


async def rejections(tx: Tx, order_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Which of these orders inventory itself has refused, and why."""
    rows = await tx.fetch(sql.rejected, sorted(order_ids))
    return {row["order_id"]: row["reason"] for row in rows}


async def deduct(tx: Tx, order_ids: Iterable[UUID]) -> Held:
    """Take off the shelf what these orders hold, and tell what that was."""
    return await _end(tx, dict.fromkeys(order_ids), "deducted")


async def _end(tx: Tx, reasons: Mapping[UUID, str | None], status: str) -> Held:
    order_ids = sorted(reasons)
    held: defaultdict[UUID, tuple[Allocation, ...]] = defaultdict(tuple)
    rows = await tx.fetch(sql.lock_held, order_ids)
    for row in rows:
        line = Allocation(sku=row["sku"], warehouse=row["warehouse"], quantity=row["quantity"])
        held[row["order_id"]] += (line,)
    if rows:
        places = ([row["sku"] for row in rows], [row["warehouse"] for row in rows], [row["quantity"] for row in rows])
        await tx.execute(sql.give_back if status == "released" else sql.take_away, *places)
        await tx.execute(sql.end_reservations, order_ids, status, [reasons[order_id] for order_id in order_ids])
    return held


async def stock(tx: Tx, sku: str | None = None) -> list[SkuStock]:
    """Every sku, or the one that is asked for; none, if it isn't known."""
    rows = await (tx.fetch(sql.all_stock) if sku is None else tx.fetch(sql.stock_of, sku))
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
    return await tx.fetchval(sql.count_stock, sku, warehouse, on_hand) is not None


async def reservation(tx: Tx, order_id: UUID) -> Reservation | None:
    row = await tx.fetchrow(sql.reservation_of, order_id)
    if row is None:
        return None
    lines = [Allocation(**dict(line)) for line in await tx.fetch(sql.lines_of, order_id)]
    return Reservation(allocations=lines, **dict(row))
