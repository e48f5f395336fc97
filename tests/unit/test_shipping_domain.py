"""What may still be done with a shipment depends on where it is."""

import pytest

from shipping_service.domain import Status, can_be_dispatched, has_left, is_booked


@pytest.mark.parametrize("status", [None, *Status])
def test_only_what_the_carrier_has_booked_can_be_handed_over(status: Status | None) -> None:
    """Neither before the booking, nor after a cancellation, nor twice."""
    assert can_be_dispatched(status) == (status is Status.SCHEDULED)


@pytest.mark.parametrize("status", [None, *Status])
def test_only_a_booking_must_be_cancelled_at_the_carrier(status: Status | None) -> None:
    """Where there is none, there is nothing to call off."""
    assert is_booked(status) == (status is Status.SCHEDULED)


@pytest.mark.parametrize("status", [None, *Status])
def test_only_what_has_been_dispatched_has_left(status: Status | None) -> None:
    """And can't be cancelled any more: the pivot."""
    assert has_left(status) == (status is Status.DISPATCHED)
