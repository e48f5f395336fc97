"""Trips are requested and cancelled here, and come together again here: nobody has told the others what to do."""

from examples.travel_booking.events import (
    CarBooked,
    CarCancelled,
    CarRefused,
    FlightBooked,
    FlightCancelled,
    FlightRefused,
    HotelBooked,
    HotelCancelled,
    HotelRefused,
    Refused,
    TripCancelled,
    TripConfirmed,
    TripRequested,
    TripUndone,
)
from saga import Book, Command, Laws, Service, Tx, queries

sql = queries(__file__)

LAWS = Laws(sagas=sql.sagas, rules=(Book("trip", keeper="trips", entries=sql.outcome, unknown="undone"),))
trips = Service("trips", package=__package__, front_door=True, laws=LAWS)


class RequestTrip(Command):
    """Somebody at the API wants a trip."""

    trip: TripRequested

    @property
    def saga_id(self) -> str:
        return self.trip.saga_id


class CancelTrip(Command):
    """Somebody at the API does not want it any more."""

    trip: TripCancelled

    @property
    def saga_id(self) -> str:
        return self.trip.saga_id


@trips.on(RequestTrip)
async def request_trip(request: RequestTrip, tx: Tx) -> TripRequested:  # noqa: ARG001 — it is noted when it is heard
    """Tell everyone, and wait for nobody."""
    return request.trip


@trips.on(CancelTrip)
async def cancel_trip(request: CancelTrip, tx: Tx) -> TripCancelled:  # noqa: ARG001 — see above
    """Tell everyone, whatever they have done so far."""
    return request.trip


@trips.on(TripRequested, TripCancelled)
async def note_trip(trip: TripRequested | TripCancelled, tx: Tx) -> None:
    """Whoever asks, at the API or at the broker: remember it, until it is known what has become of it."""
    await tx.execute(sql.note, trip.trip_id, "requested" if isinstance(trip, TripRequested) else "undoing")


@trips.join(FlightBooked, HotelBooked, CarBooked)
async def confirm_trip(flight: FlightBooked, hotel: HotelBooked, car: CarBooked, tx: Tx) -> TripConfirmed:
    """All three are booked, whichever was the last."""
    await tx.execute(sql.settle, flight.trip_id, "confirmed")
    return TripConfirmed(trip_id=flight.trip_id, flight=flight.number, hotel=hotel.number, car=car.number)


@trips.join(
    FlightRefused | FlightCancelled,
    HotelRefused | HotelCancelled,
    CarRefused | CarCancelled,
    undoes=confirm_trip,
)
async def close_trip(
    flight: FlightRefused | FlightCancelled,
    hotel: HotelRefused | HotelCancelled,
    car: CarRefused | CarCancelled,
    tx: Tx,
) -> TripUndone:
    """All three are gone: each was refused or cancelled."""
    await tx.execute(sql.settle, flight.trip_id, "undone")
    reasons = [gone.reason for gone in (flight, hotel, car) if isinstance(gone, Refused)]
    return TripUndone(trip_id=flight.trip_id, reason=" and ".join(reasons) or "cancelled")
