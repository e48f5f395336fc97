"""Run trips: python -m examples.travel_booking.trips."""

from examples.travel_booking.trips.api import router
from examples.travel_booking.trips.handlers import trips
from saga import Settings, run

if __name__ == "__main__":
    run(trips, Settings.of("trips"), router)
