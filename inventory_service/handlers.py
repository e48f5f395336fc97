"""Inventory's part in the saga."""

from collections.abc import Sequence
from uuid import UUID

from events import (
    AboutOrder,
    OrderPlaced,
    PaymentDeclined,
    PaymentRefunded,
    ShipmentDispatched,
    StockDeducted,
    StockRejected,
    StockReleased,
    StockReserved,
)
from inventory_service import domain, store
from inventory_service.laws import LAWS
from saga import Intervention, Kind, Refusal, Service, Tx

inventory = Service("inventory", laws=LAWS, forget=store.sql.forget)


class ReleaseStock(AboutOrder, Intervention):
    """Somebody at the API wants the order's reservation gone."""


@inventory.on(OrderPlaced)
async def reserve_stock(orders: Sequence[OrderPlaced], tx: Tx) -> Sequence[StockReserved | StockRejected]:
    """Reserve every line of an order, or none of them."""
    shelf = await store.lock_shelf(tx, (line.sku for order in orders for line in order.lines))
    decisions = [domain.reserve(order, shelf) for order in orders]
    await store.save_decisions(tx, decisions)
    return decisions


@inventory.refuses(reserve_stock)
async def refuse_reservation(refusal: Refusal, tx: Tx) -> StockRejected:
    """Nothing is held for the order: a person has decided so."""
    rejected = StockRejected(order_id=UUID(refusal.saga), reason=refusal.reason, detail=refusal.detail)
    await store.save_decisions(tx, [rejected])
    return rejected


@inventory.on(PaymentDeclined, PaymentRefunded, ReleaseStock, undoes=reserve_stock)
async def release_stock(
    lost: Sequence[PaymentDeclined | PaymentRefunded | ReleaseStock], tx: Tx
) -> Sequence[StockReleased]:
    """Give back whatever an order holds, which may be nothing."""
    rejected = await store.rejections(tx, (event.order_id for event in lost))
    causes = {event.order_id: domain.why_released(event, rejected.get(event.order_id)) for event in lost}
    held = await store.release(tx, {order_id: reason for order_id, (_, reason) in causes.items()})
    return [
        StockReleased(order_id=order_id, lines=held[order_id], outcome=outcome, reason=reason)
        for order_id, (outcome, reason) in causes.items()
    ]


@inventory.on(ShipmentDispatched, kind=Kind.RETRIABLE, after=reserve_stock)
async def deduct_stock(left: Sequence[ShipmentDispatched], tx: Tx) -> Sequence[StockDeducted]:
    """Take the reserved pieces off the shelf: they have left the house."""
    held = await store.deduct(tx, (event.order_id for event in left))
    return [StockDeducted(order_id=event.order_id, lines=held[event.order_id]) for event in left]
