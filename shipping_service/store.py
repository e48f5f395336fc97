"""Shipments and parcels in the database."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import BaseModel

from events import Parcel, PaymentCaptured, ShipmentRejected, ShipmentScheduled
from saga import Tx, queries
from shipping_service.domain import Status

sql = queries(__file__)


class Shipment(BaseModel):
    order_id: UUID
    status: Status
    reason: str | None
    parcels: list[Parcel]


async def open_shipments(tx: Tx, captured: Sequence[PaymentCaptured]) -> None:
    await tx.execute(
        sql.open_shipments, [event.order_id for event in captured], [event.ship_to.country for event in captured]
    )


async def refuse(tx: Tx, order_id: UUID, reason: str) -> None:
    """No carrier was asked."""
    await tx.execute(sql.refuse_shipment, order_id, reason)


async def lock(tx: Tx, order_id: UUID) -> Shipment | None:
    """The shipment, which nobody else changes before `tx` ends."""
    return await _whole(tx, order_id, await tx.fetchrow(sql.lock_shipment, order_id))


async def shipment(tx: Tx, order_id: UUID) -> Shipment | None:
    return await _whole(tx, order_id, await tx.fetchrow(sql.shipment_of, order_id))


async def save_decisions(tx: Tx, decisions: Sequence[ShipmentScheduled | ShipmentRejected]) -> None:
    """Remember what was booked, and what was not."""
    scheduled = [decision for decision in decisions if isinstance(decision, ShipmentScheduled)]
    parcels = [(decision.order_id, parcel) for decision in scheduled for parcel in decision.parcels]
    await tx.execute(
        sql.record_answers,
        [decision.order_id for decision in decisions],
        [Status.REJECTED if isinstance(decision, ShipmentRejected) else Status.SCHEDULED for decision in decisions],
        [decision.reason if isinstance(decision, ShipmentRejected) else None for decision in decisions],
        [order_id for order_id, _ in parcels],
        [parcel.parcel_id for _, parcel in parcels],
        [parcel.warehouse for _, parcel in parcels],
        [parcel.carrier for _, parcel in parcels],
        [parcel.tracking for _, parcel in parcels],
    )


async def set_status(tx: Tx, order_id: UUID, status: Status, reason: str | None = None) -> None:
    await tx.execute(sql.set_status, order_id, status, reason)


async def _whole(tx: Tx, order_id: UUID, row: object) -> Shipment | None:
    if row is None:
        return None
    parcels = [Parcel(**dict(parcel)) for parcel in await tx.fetch(sql.parcels_of, order_id)]
    return Shipment.model_validate({**dict(row), "parcels": parcels})  # type: ignore[call-overload] # a record is a mapping
