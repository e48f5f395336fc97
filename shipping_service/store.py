"""Shipments and parcels in the database."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import aiosql
from pydantic import BaseModel

from events import Parcel, PaymentCaptured
from saga import Tx
from shipping_service.domain import Status

sql = aiosql.from_path(Path(__file__).with_name("queries.sql"), "asyncpg")


class Shipment(BaseModel):
    order_id: UUID
    status: Status
    reason: str | None
    parcels: list[Parcel]


async def open_shipments(tx: Tx, captured: Sequence[PaymentCaptured]) -> None:
    await sql.open_shipments(tx, [event.order_id for event in captured], [event.ship_to.country for event in captured])


async def lock(tx: Tx, order_id: UUID) -> Shipment | None:
    """The shipment, which nobody else changes before `tx` ends."""
    return await _whole(tx, order_id, await sql.lock_shipment(tx, order_id))


async def shipment(tx: Tx, order_id: UUID) -> Shipment | None:
    return await _whole(tx, order_id, await sql.shipment_of(tx, order_id))


async def schedule(tx: Tx, order_id: UUID, parcels: Sequence[Parcel]) -> None:
    await sql.add_parcels(
        tx,
        order_id,
        [parcel.parcel_id for parcel in parcels],
        [parcel.warehouse for parcel in parcels],
        [parcel.carrier for parcel in parcels],
        [parcel.tracking for parcel in parcels],
    )
    await set_status(tx, order_id, Status.SCHEDULED)


async def set_status(tx: Tx, order_id: UUID, status: Status, reason: str | None = None) -> None:
    await sql.set_status(tx, order_id, status, reason)


async def _whole(tx: Tx, order_id: UUID, row: object) -> Shipment | None:
    if row is None:
        return None
    parcels = [Parcel(**dict(parcel)) for parcel in await sql.parcels_of(tx, order_id)]
    return Shipment.model_validate({**dict(row), "parcels": parcels})  # type: ignore[call-overload] # a record is a mapping
