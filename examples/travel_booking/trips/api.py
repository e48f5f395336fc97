"""The front door's REST API."""

from http import HTTPStatus
from uuid import UUID

from fastapi import APIRouter, HTTPException

from examples.travel_booking.events import TripCancelled, TripRequested
from examples.travel_booking.trips.handlers import CancelTrip, RequestTrip, sql
from saga import Door, transaction

router = APIRouter(tags=["trips"])


@router.post("/trips", status_code=HTTPStatus.ACCEPTED)
async def post_trip(trip: TripRequested, door: Door) -> dict[str, str]:
    """Request a trip. Requesting the same one again changes nothing."""
    await door.ask(RequestTrip(trip=trip))
    return {"trip_id": trip.saga_id}


@router.post("/trips/{trip_id}/cancel", status_code=HTTPStatus.ACCEPTED)
async def post_cancellation(trip_id: UUID, door: Door) -> dict[str, str]:
    """Cancel a trip, however far it has got."""
    await door.ask(CancelTrip(trip=TripCancelled(trip_id=trip_id)))
    return {"trip_id": str(trip_id)}


@router.get("/trips/{trip_id}")
async def get_trip(trip_id: UUID, door: Door) -> dict[str, str]:
    """How it stands: requested, undoing, confirmed or undone."""
    async with transaction(door.pool) as tx:
        status = await tx.fetchval(sql.trip, trip_id)
    if status is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"trip {trip_id} is not known")
    return {"trip_id": str(trip_id), "status": status}
