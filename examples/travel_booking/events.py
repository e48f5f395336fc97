"""What the services of a trip tell each other."""

from typing import Annotated
from uuid import UUID

from events import Event
from events.values import PERSONAL, Detail, Reason, Text


class AboutTrip(Event):
    """The trip is the saga."""

    trip_id: UUID

    @property
    def saga_id(self) -> str:
        return str(self.trip_id)


class TripRequested(AboutTrip, event_type="trip.requested.v1", exchange="trips"):
    """Somebody wants to go there: by flight, with a room and a car."""

    traveller: Annotated[Text, PERSONAL]
    city: Text


class TripCancelled(AboutTrip, event_type="trip.cancelled.v1", exchange="trips"):
    """The traveller stays at home."""


class TripConfirmed(AboutTrip, event_type="trip.confirmed.v1", exchange="trips", final=True):
    """Flight, room and car are booked, under these numbers."""

    flight: int
    hotel: int
    car: int


class TripUndone(AboutTrip, event_type="trip.undone.v1", exchange="trips", final=True):
    """Nothing is booked, and nothing will be."""

    reason: Reason


class Booked(AboutTrip):
    """It is taken, under this number."""

    number: int


class Refused(AboutTrip):
    """It can't be had."""

    reason: Reason
    detail: Detail = ""


class FlightBooked(Booked, event_type="flight.booked.v1", exchange="flights"):
    """A seat is taken."""


class FlightRefused(Refused, event_type="flight.refused.v1", exchange="flights"):
    """There is no seat."""


class FlightCancelled(AboutTrip, event_type="flight.cancelled.v1", exchange="flights"):
    """No seat is taken, and none will be."""


class HotelBooked(Booked, event_type="hotel.booked.v1", exchange="hotels"):
    """A room is taken."""


class HotelRefused(Refused, event_type="hotel.refused.v1", exchange="hotels"):
    """There is no room."""


class HotelCancelled(AboutTrip, event_type="hotel.cancelled.v1", exchange="hotels"):
    """No room is taken, and none will be."""


class CarBooked(Booked, event_type="car.booked.v1", exchange="cars"):
    """A car is taken."""


class CarRefused(Refused, event_type="car.refused.v1", exchange="cars"):
    """There is no car."""


class CarCancelled(AboutTrip, event_type="car.cancelled.v1", exchange="cars"):
    """No car is taken, and none will be."""
