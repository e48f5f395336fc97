"""The front door's part in the saga: it starts and cancels sagas, and follows them without steering."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import reduce
from uuid import UUID

from events import (
    AboutOrder,
    Event,
    OrderCancelled,
    OrderPlaced,
    PaymentCaptured,
    PaymentDeclined,
    PaymentRefunded,
    ShipmentCancellationRefused,
    ShipmentCancelled,
    ShipmentDispatched,
    ShipmentRejected,
    ShipmentScheduled,
    StockDeducted,
    StockRejected,
    StockReleased,
    StockReserved,
)
from events.values import Reason
from order_service import domain, store
from order_service.domain import Progress
from order_service.laws import LAWS
from order_service.settings import OrderSettings
from saga import Command, CommandRefused, Service, Tx

order = Service(
    "order", exchange="orders", front_door=True, laws=LAWS, forget=store.sql.forget, unfinished=store.sql.unfinished
)

DEADLINE_EXCEEDED = "deadline_exceeded"
LATE_AT_ONCE = 500
"""Orders cancelled in one transaction, at most."""

Fact = (
    OrderPlaced
    | OrderCancelled
    | StockReserved
    | StockRejected
    | StockReleased
    | StockDeducted
    | PaymentCaptured
    | PaymentDeclined
    | PaymentRefunded
    | ShipmentScheduled
    | ShipmentRejected
    | ShipmentDispatched
    | ShipmentCancelled
    | ShipmentCancellationRefused
)


class PlaceOrder(AboutOrder, Command):
    """Somebody at the API places an order, perhaps under an idempotency key."""

    order: OrderPlaced
    idempotency_key: str | None = None


class CancelOrder(AboutOrder, Command):
    """Somebody at the API cancels an order, or its time is up."""

    reason: Reason = "cancelled"


@order.on(PlaceOrder)
async def place_order(command: PlaceOrder, tx: Tx) -> OrderPlaced:
    """Tell everyone that the order was placed."""
    if not await store.place(tx, command.order, command.idempotency_key):
        raise CommandRefused("order_exists", f"there is another order {command.order_id} already")
    return command.order


@order.on(CancelOrder)
async def cancel_order(commands: Sequence[CancelOrder], tx: Tx) -> Sequence[OrderCancelled]:
    """Tell everyone that the order is to be undone, whatever has become of it, or will."""
    cancelled = [OrderCancelled(order_id=command.order_id, reason=command.reason) for command in commands]
    await _hear(cancelled, tx)
    return cancelled


@order.every(timedelta(seconds=1))
async def cancel_late_orders(settings: OrderSettings, tx: Tx) -> Sequence[CancelOrder]:
    """Cancel orders that are not fulfilled though their time is up, whatever they wait for."""
    late = await store.lock_late(tx, settings.fulfil_within, LATE_AT_ONCE)
    return [CancelOrder(order_id=order_id, reason=DEADLINE_EXCEEDED) for order_id in late]


@order.on(*Fact.__args__)
async def follow_order(facts: Sequence[Fact], tx: Tx) -> None:
    """Keep the order's status, whoever placed it."""
    await _hear(facts, tx)


async def _hear(facts: Sequence[Fact], tx: Tx) -> None:
    """The orders stand as these facts, and those heard before, say."""
    told: defaultdict[UUID, list[Event]] = defaultdict(list)
    placed: dict[UUID, OrderPlaced] = {}
    for fact in facts:
        told[fact.order_id].append(fact)
        if isinstance(fact, OrderPlaced):
            placed.setdefault(fact.order_id, fact)
    unheard: Mapping[UUID, Sequence[Event]] = told
    while unheard:
        known = await store.lock(tx, unheard)
        progress = {
            order_id: reduce(domain.hear, events, known.get(order_id, Progress()))
            for order_id, events in unheard.items()
        }
        await store.save(tx, {order_id: progress[order_id] for order_id in known}, placed)
        added = await store.add(tx, {key: new for key, new in progress.items() if key not in known}, placed)
        unheard = {key: events for key, events in unheard.items() if key not in known and key not in added}
