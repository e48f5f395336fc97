"""Shipments and parcels in the database."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import BaseModel

from events import Parcel, PaymentCaptured
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


async def schedule(tx: Tx, order_id: UUID, parcels: Sequence[Parcel]) -> None:
    await tx.execute(
        sql.add_parcels,
        order_id,
        [parcel.parcel_id for parcel in parcels],
        [parcel.warehouse for parcel in parcels],
        [parcel.carrier for parcel in parcels],
        [parcel.tracking for parcel in parcels],
    )
    await set_status(tx, order_id, Status.SCHEDULED)


async def set_status(tx: Tx, order_id: UUID, status: Status, reason: str | None = None) -> None:
    await tx.execute(sql.set_status, order_id, status, reason)


async def _whole(tx: Tx, order_id: UUID, row: object) -> Shipment | None:
    if row is None:
        return None
    parcels = [Parcel(**dict(parcel)) for parcel in await tx.fetch(sql.parcels_of, order_id)]
    return Shipment.model_validate({**dict(row), "parcels": parcels})  # type: ignore[call-overload] # a record is a mapping
