"""A flight, a hotel and a car are booked at the same time; if one of them can't be had, the others are given back."""

from collections.abc import Sequence
from uuid import UUID

from events import Message
from examples.travel_booking.cars.handlers import cars
from examples.travel_booking.events import TripCancelled, TripRequested
from examples.travel_booking.flights.handlers import flights
from examples.travel_booking.hotels.handlers import hotels
from examples.travel_booking.trips.handlers import trips
from saga.exploring import Scenario, Story

SERVICES = (trips, flights, hotels, cars)


def story(city: str, *, cancelled: bool = False) -> Story:
    def told(saga: UUID) -> Sequence[Message]:
        cancellation: list[Message] = [TripCancelled(trip_id=saga)] if cancelled else []
        return [TripRequested(trip_id=saga, traveller="Ada Lovelace", city=city), *cancellation]

    return told


SCENARIO = Scenario(
    services=SERVICES,
    stories={
        "to Lisbon, where there is everything": story("lisbon"),
        "to Oslo, where there is no room": story("oslo"),
        "to Riga, where there is a room only": story("riga"),
        "to Malta, for one traveller only": story("malta"),
        "to Lisbon, and cancelled": story("lisbon", cancelled=True),
        "to Oslo, and cancelled": story("oslo", cancelled=True),
    },
    prepared={
        "flights": "INSERT INTO offer (city, seats) VALUES ('lisbon', 1000), ('oslo', 1000), ('riga', 0), ('malta', 1)",
        "hotels": "INSERT INTO offer (city, rooms) VALUES ('lisbon', 1000), ('oslo', 0), ('riga', 1000), ('malta', 9)",
        "cars": "INSERT INTO offer (city, cars) VALUES ('lisbon', 1000), ('oslo', 1000), ('riga', 0), ('malta', 9)",
    },
)
