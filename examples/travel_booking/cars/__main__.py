"""Run cars: python -m examples.travel_booking.cars."""

from examples.travel_booking.cars.handlers import cars
from saga import Settings, run

if __name__ == "__main__":
    run(cars, Settings.of("cars"))
