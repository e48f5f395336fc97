"""Run hotels: python -m examples.travel_booking.hotels."""

from examples.travel_booking.hotels.handlers import hotels
from saga import Settings, run

if __name__ == "__main__":
    run(hotels, Settings.of("hotels"))
