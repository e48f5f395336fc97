"""What inventory needs to understand: orders to reserve for, and the facts that release or deduct."""

import pytest

from events import (
    Event,
    Line,
    OrderPlaced,
    Outcome,
    PaymentDeclined,
    PaymentRefunded,
    ShipmentDispatched,
)
from inventory_service.handlers import inventory
from tests.contract.examples_of import LONDON, ORDER_ID, PARCEL, heard_by

UNDERSTOOD: list[Event] = [
    OrderPlaced(
        order_id=ORDER_ID,
        customer_id="c-42",
        currency="EUR",
        lines=(Line(sku="CHAIR", quantity=2, unit_price=4990),),
        payment_method="pm_card_visa",
        ship_to=LONDON,
    ),
    PaymentDeclined(order_id=ORDER_ID, reason="card_declined", detail="The card was declined."),
    PaymentRefunded(
        order_id=ORDER_ID,
        amount=9980,
        currency="EUR",
        payment_id="pay_1",
        outcome=Outcome.CANCELLED,
        reason="changed_my_mind",
    ),
    ShipmentDispatched(order_id=ORDER_ID, parcels=(PARCEL,)),
]


@pytest.mark.parametrize("expected", UNDERSTOOD, ids=lambda event: event.event_type)
def test_inventory_understands_what_the_contract_says(expected: Event) -> None:
    """Field by field."""
    assert heard_by(inventory, expected.event_type) == expected


def test_inventory_hears_nothing_else() -> None:
    """Whoever lets it hear more says here what it expects of it."""
    assert set(inventory.heard) == {type(event) for event in UNDERSTOOD}
