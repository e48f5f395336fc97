"""Run flights: python -m examples.travel_booking.flights."""

from examples.travel_booking.flights.handlers import flights
from saga import Settings, run

if __name__ == "__main__":
    run(flights, Settings.of("flights"))
