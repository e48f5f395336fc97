"""All three or none, without anybody who tells them so."""

import pytest

from examples.travel_booking.events import TripConfirmed, TripUndone
from saga.testing import eventually
from tests.examples.conftest import Playing

REFUSED = {
    "to Oslo, where there is no room": ("no_room", {"hotel.refused.v1", "flight.cancelled.v1", "car.cancelled.v1"}),
    "to Riga, where there is a room only": (
        "no_seat and no_car",
        {"flight.refused.v1", "car.refused.v1", "hotel.cancelled.v1"},
    ),
}


@pytest.mark.timeout(120)
async def test_a_trip_is_booked_wholly_or_not_at_all(play: Playing) -> None:
    """What is refused cancels the others, also those that are still on their way; what is cancelled is given back."""
    async with play("travel_booking") as here:
        confirmed = await here.tell("to Lisbon, where there is everything")
        undone = {title: await here.tell(title) for title in REFUSED}
        cancelled = await here.tell("to Lisbon, and cancelled")
        told = await here.stage.hears(TripConfirmed, confirmed)
        assert min(told.flight, told.hotel, told.car) > 0
        for title, saga in undone.items():
            reason, words = REFUSED[title]
            assert (await here.stage.hears(TripUndone, saga)).reason == reason
            assert words <= set(here.stage.types_of(saga))
            assert "trip.confirmed.v1" not in here.stage.types_of(saga)
        assert (await here.stage.hears(TripUndone, cancelled)).reason == "cancelled"
        ends = [await here.ended(saga) for saga in (confirmed, *undone.values(), cancelled)]
        assert ends == ["succeeded", "compensated", "compensated", "compensated"]
        report = await eventually(here.balanced)
    assert all(finding.holds for finding in report.findings)
