"""Hotels' part in a trip."""

from uuid import UUID

from examples.travel_booking.events import (
    CarRefused,
    FlightRefused,
    HotelBooked,
    HotelCancelled,
    HotelRefused,
    TripCancelled,
    TripRequested,
)
from saga import Book, Law, Laws, Refusal, Service, Tx, queries

sql = queries(__file__)

LAWS = Laws(
    sagas=sql.sagas,
    rules=(
        Book("trip", keeper="hotels", entries=sql.taken, unknown="undone"),
        Law("as many rooms are taken as trips have one", breaches=sql.miscounted),
    ),
)
hotels = Service("hotels", package=__package__, laws=LAWS)


@hotels.on(TripRequested)
async def book_hotel(trip: TripRequested, tx: Tx) -> HotelBooked | HotelRefused:
    """Take a room, if there is one."""
    number = await tx.fetchval(sql.book, trip.trip_id, trip.city)
    if number is None:
        return HotelRefused(trip_id=trip.trip_id, reason="no_room", detail=f"no room is left in {trip.city}")
    return HotelBooked(trip_id=trip.trip_id, number=number)


@hotels.refuses(book_hotel)
async def refuse_hotel(refusal: Refusal, tx: Tx) -> HotelRefused:  # noqa: ARG001 — nothing was taken
    """A person has decided that this trip gets no room."""
    return HotelRefused(trip_id=UUID(refusal.saga), reason=refusal.reason, detail=refusal.detail)


@hotels.on(FlightRefused, CarRefused, TripCancelled, undoes=book_hotel)
async def cancel_hotel(lost: FlightRefused | CarRefused | TripCancelled, tx: Tx) -> HotelCancelled:
    """Give the room back, if one was taken."""
    await tx.execute(sql.cancel, lost.trip_id)
    return HotelCancelled(trip_id=lost.trip_id)
