"""What shipping needs to understand: what to send where, and that it is to be called off."""

import pytest

from events import Event, OrderCancelled, PaymentCaptured
from shipping_service.handlers import shipping
from tests.contract.examples_of import CHAIRS, LONDON, ORDER_ID, heard_by

UNDERSTOOD: list[Event] = [
    PaymentCaptured(
        order_id=ORDER_ID, payment_id="pay_1", amount=9980, currency="EUR", ship_to=LONDON, allocations=(CHAIRS,)
    ),
    OrderCancelled(order_id=ORDER_ID, reason="changed_my_mind"),
]


@pytest.mark.parametrize("expected", UNDERSTOOD, ids=lambda event: event.event_type)
def test_shipping_understands_what_the_contract_says(expected: Event) -> None:
    """Field by field."""
    assert heard_by(shipping, expected.event_type) == expected


def test_shipping_hears_nothing_else() -> None:
    """Whoever lets it hear more says here what it expects of it."""
    assert set(shipping.heard) == {type(event) for event in UNDERSTOOD}
