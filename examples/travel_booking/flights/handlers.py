"""Flights' part in a trip."""

from uuid import UUID

from examples.travel_booking.events import (
    CarRefused,
    FlightBooked,
    FlightCancelled,
    FlightRefused,
    HotelRefused,
    TripCancelled,
    TripRequested,
)
from saga import Book, Law, Laws, Refusal, Service, Tx, queries

sql = queries(__file__)

LAWS = Laws(
    sagas=sql.sagas,
    rules=(
        Book("trip", keeper="flights", entries=sql.taken, unknown="undone"),
        Law("as many seats are taken as trips have one", breaches=sql.miscounted),
    ),
)
flights = Service("flights", package=__package__, laws=LAWS)


@flights.on(TripRequested)
async def book_flight(trip: TripRequested, tx: Tx) -> FlightBooked | FlightRefused:
    """Take a seat, if there is one."""
    number = await tx.fetchval(sql.book, trip.trip_id, trip.city)
    if number is None:
        return FlightRefused(trip_id=trip.trip_id, reason="no_seat", detail=f"no seat is left in {trip.city}")
    return FlightBooked(trip_id=trip.trip_id, number=number)


@flights.refuses(book_flight)
async def refuse_flight(refusal: Refusal, tx: Tx) -> FlightRefused:  # noqa: ARG001 — nothing was taken
    """A person has decided that this trip gets no seat."""
    return FlightRefused(trip_id=UUID(refusal.saga), reason=refusal.reason, detail=refusal.detail)


@flights.on(HotelRefused, CarRefused, TripCancelled, undoes=book_flight)
async def cancel_flight(lost: HotelRefused | CarRefused | TripCancelled, tx: Tx) -> FlightCancelled:
    """Give the seat back, if one was taken."""
    await tx.execute(sql.cancel, lost.trip_id)
    return FlightCancelled(trip_id=lost.trip_id)
