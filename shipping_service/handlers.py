"""Shipping's part in the saga. It owns the pivot, so it decides whether an order can still be cancelled."""

from collections.abc import Sequence
from uuid import UUID

from events import (
    AboutOrder,
    OrderCancelled,
    PaymentCaptured,
    ShipmentCancellationRefused,
    ShipmentCancelled,
    ShipmentDispatched,
    ShipmentRejected,
    ShipmentScheduled,
)
from saga import Command, CommandRefused, Kind, Refusal, Service, Tx
from shipping_service import domain, store
from shipping_service.domain import Status
from shipping_service.gateway import Book, Booked, BookingCancelled, CancelBooking, NotServed
from shipping_service.laws import LAWS

shipping = Service("shipping", laws=LAWS, forget=store.sql.forget)


class Dispatch(AboutOrder, Command):
    """The carrier, or a person at the ramp, takes the parcels."""


class CancelShipment(AboutOrder, Command):
    """Somebody at the API wants the order's shipment cancelled."""

    reason: str = "cancelled at shipping's own door"


@shipping.on(PaymentCaptured)
async def schedule_shipment(captured: Sequence[PaymentCaptured], tx: Tx) -> Sequence[Book]:
    """Have the carrier booked, one parcel per warehouse."""
    await store.open_shipments(tx, captured)
    return [Book(order_id=e.order_id, ship_to=e.ship_to, allocations=e.allocations) for e in captured]


@shipping.settles(Book)
async def record_booking(
    bookings: Sequence[Book], answers: Sequence[Booked | NotServed], tx: Tx
) -> Sequence[ShipmentScheduled | ShipmentRejected]:
    """The carrier is booked, or doesn't serve that place."""
    decisions = [
        ShipmentScheduled(order_id=booking.order_id, parcels=answer.parcels)
        if isinstance(answer, Booked)
        else ShipmentRejected(order_id=booking.order_id, reason="destination_not_served", detail=answer.detail)
        for booking, answer in zip(bookings, answers, strict=True)
    ]
    await store.save_decisions(tx, decisions)
    return decisions


@shipping.refuses(schedule_shipment)
async def refuse_shipment(refusal: Refusal, tx: Tx) -> ShipmentRejected:
    """No carrier is booked for the order: a person has decided so."""
    order_id = UUID(refusal.saga)
    await store.refuse(tx, order_id, refusal.reason)
    return ShipmentRejected(order_id=order_id, reason=refusal.reason, detail=refusal.detail)


@shipping.on(Dispatch, kind=Kind.PIVOT, after=schedule_shipment)
async def dispatch_shipment(dispatch: Dispatch, tx: Tx) -> ShipmentDispatched:
    """Hand the parcels over: from here on there is no way back."""
    shipment = await store.lock(tx, dispatch.order_id)
    if shipment is None or not domain.can_be_dispatched(shipment.status):
        status = shipment.status if shipment else "unknown"
        raise CommandRefused(
            f"shipment_{status}", f"the shipment of order {dispatch.order_id} is {status}, not scheduled"
        )
    await store.set_status(tx, dispatch.order_id, Status.DISPATCHED)
    return ShipmentDispatched(order_id=dispatch.order_id, parcels=tuple(shipment.parcels))


@shipping.on(OrderCancelled, CancelShipment, undoes=schedule_shipment, too_late=ShipmentCancellationRefused)
async def cancel_shipment(
    cancelled: OrderCancelled | CancelShipment, tx: Tx
) -> CancelBooking | ShipmentCancelled | ShipmentCancellationRefused:
    """Have the booking cancelled, which may not exist, unless the parcels have left."""
    shipment = await store.lock(tx, cancelled.order_id)
    status = shipment.status if shipment else None
    if domain.has_left(status):
        return ShipmentCancellationRefused(order_id=cancelled.order_id, detail="the parcels are with the carrier")
    if shipment is not None and domain.is_booked(status):
        await store.set_status(tx, cancelled.order_id, Status.CANCELLING, cancelled.reason)
        return CancelBooking(order_id=cancelled.order_id, parcels=tuple(shipment.parcels), reason=cancelled.reason)
    return ShipmentCancelled(order_id=cancelled.order_id, reason=cancelled.reason)


@shipping.settles(CancelBooking)
async def record_cancellation(cancellation: CancelBooking, _: BookingCancelled, tx: Tx) -> ShipmentCancelled:
    """The carrier won't come."""
    await store.set_status(tx, cancellation.order_id, Status.CANCELLED)
    return ShipmentCancelled(order_id=cancellation.order_id, parcels=cancellation.parcels, reason=cancellation.reason)
