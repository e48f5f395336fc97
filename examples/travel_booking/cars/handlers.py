"""Cars' part in a trip."""

from uuid import UUID

from examples.travel_booking.events import (
    CarBooked,
    CarCancelled,
    CarRefused,
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
        Book("trip", keeper="cars", entries=sql.taken, unknown="undone"),
        Law("as many cars are taken as trips have one", breaches=sql.miscounted),
    ),
)
cars = Service("cars", package=__package__, laws=LAWS)


@cars.on(TripRequested)
async def book_car(trip: TripRequested, tx: Tx) -> CarBooked | CarRefused:
    """Take a car, if there is one."""
    number = await tx.fetchval(sql.book, trip.trip_id, trip.city)
    if number is None:
        return CarRefused(trip_id=trip.trip_id, reason="no_car", detail=f"no car is left in {trip.city}")
    return CarBooked(trip_id=trip.trip_id, number=number)


@cars.refuses(book_car)
async def refuse_car(refusal: Refusal, tx: Tx) -> CarRefused:  # noqa: ARG001 — nothing was taken
    """A person has decided that this trip gets no car."""
    return CarRefused(trip_id=UUID(refusal.saga), reason=refusal.reason, detail=refusal.detail)


@cars.on(FlightRefused, HotelRefused, TripCancelled, undoes=book_car)
async def cancel_car(lost: FlightRefused | HotelRefused | TripCancelled, tx: Tx) -> CarCancelled:
    """Give the car back, if one was taken."""
    await tx.execute(sql.cancel, lost.trip_id)
    return CarCancelled(trip_id=lost.trip_id)
