"""A service's fence is held against what the service said."""

import pytest

from observer_service.comparing import differences
from observer_service.story import Known
from saga.choreography import Choreography
from tests.order_saga import ORDER_SAGA
from tests.unit.follower import follower
from tests.unit.test_story import SCHEDULED, said

SHOP = Choreography.of([*ORDER_SAGA, follower])


def told(service: str, fence: dict[str, str]) -> list[str]:
    """The differences in a saga whose shipment has been scheduled."""
    found = differences(SHOP, Known().hear(said(*SCHEDULED)), service, "s-1", fence)
    return [str(difference) for difference in found]


def test_what_was_said_was_done() -> None:
    assert told("payment", {"capture_payment": "done"}) == []
    assert told("payment", {}) == [
        "s-1: by what was said capture_payment is done; the service's fence stands with no entry of it"
    ]
    assert told("inventory", {"reserve_stock": "done", "deduct_stock": "done"}) == [
        "s-1: by what was said deduct_stock was never entered; the service's fence stands as done"
    ]


@pytest.mark.parametrize("fence", [{}, {"take_note": "done"}, {"take_note": "compensated"}, {"take_note": "blocked"}])
def test_of_a_step_that_says_nothing_nothing_is_told(fence: dict[str, str]) -> None:
    """However its fence stands, no event contradicts it."""
    assert told("follower", fence) == []
