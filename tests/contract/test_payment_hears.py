"""What payment needs to understand: what to capture, and the facts that give it back or keep it for good."""

import pytest

from events import Event, ShipmentCancelled, ShipmentDispatched, ShipmentRejected, StockReserved
from payment_service.handlers import payment
from tests.contract.examples_of import CHAIRS, LONDON, ORDER_ID, PARCEL, heard_by

UNDERSTOOD: list[Event] = [
    StockReserved(
        order_id=ORDER_ID,
        customer_id="c-42",
        amount=9980,
        currency="EUR",
        payment_method="pm_card_visa",
        ship_to=LONDON,
        allocations=(CHAIRS,),
    ),
    ShipmentRejected(
        order_id=ORDER_ID, reason="destination_not_served", detail="the carrier does not serve Antarctica"
    ),
    ShipmentCancelled(order_id=ORDER_ID, parcels=(PARCEL,), reason="changed_my_mind"),
    ShipmentDispatched(order_id=ORDER_ID, parcels=(PARCEL,)),
]


@pytest.mark.parametrize("expected", UNDERSTOOD, ids=lambda event: event.event_type)
def test_payment_understands_what_the_contract_says(expected: Event) -> None:
    """Field by field."""
    assert heard_by(payment, expected.event_type) == expected


def test_payment_hears_nothing_else() -> None:
    """Whoever lets it hear more says here what it expects of it."""
    assert set(payment.heard) == {type(event) for event in UNDERSTOOD}
