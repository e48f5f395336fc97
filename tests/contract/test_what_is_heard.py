"""What hearers make of the examples, field by field. That each of them does understand them, `saga check` tells."""

import pytest

from events import (
    Decoder,
    Delivery,
    Event,
    Line,
    OrderCancelled,
    OrderPlaced,
    Outcome,
    PaymentCaptured,
    PaymentDeclined,
    PaymentRefunded,
    ShipmentCancellationRefused,
    ShipmentCancelled,
    ShipmentDispatched,
    ShipmentRejected,
    ShipmentScheduled,
    Shortage,
    StockDeducted,
    StockRejected,
    StockReleased,
    StockReserved,
)
from tests.contract.examples_of import CHAIRS, LONDON, ORDER_ID, PARCEL, TYPES, example

UNDERSTOOD: list[Event] = [
    OrderPlaced(
        order_id=ORDER_ID,
        customer_id="c-42",
        currency="EUR",
        lines=(Line(sku="CHAIR", quantity=2, unit_price=4990),),
        payment_method="pm_card_visa",
        ship_to=LONDON,
    ),
    OrderCancelled(order_id=ORDER_ID, reason="changed_my_mind"),
    StockReserved(
        order_id=ORDER_ID,
        customer_id="c-42",
        amount=9980,
        currency="EUR",
        payment_method="pm_card_visa",
        ship_to=LONDON,
        allocations=(CHAIRS,),
    ),
    StockRejected(
        order_id=ORDER_ID,
        reason="out_of_stock",
        detail="wanted 2 SOFA of 0 available",
        shortages=(Shortage(sku="SOFA", requested=2, available=0),),
    ),
    StockReleased(order_id=ORDER_ID, lines=(CHAIRS,), outcome=Outcome.REJECTED, reason="card_declined"),
    StockDeducted(order_id=ORDER_ID, lines=(CHAIRS,)),
    PaymentCaptured(
        order_id=ORDER_ID, payment_id="pay_1", amount=9980, currency="EUR", ship_to=LONDON, allocations=(CHAIRS,)
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
    ShipmentScheduled(order_id=ORDER_ID, parcels=(PARCEL,)),
    ShipmentRejected(
        order_id=ORDER_ID, reason="destination_not_served", detail="the carrier does not serve Antarctica"
    ),
    ShipmentDispatched(order_id=ORDER_ID, parcels=(PARCEL,)),
    ShipmentCancelled(order_id=ORDER_ID, parcels=(PARCEL,), reason="changed_my_mind"),
    ShipmentCancellationRefused(
        order_id=ORDER_ID, reason="already_dispatched", detail="the parcels are with the carrier"
    ),
]


@pytest.mark.parametrize("expected", UNDERSTOOD, ids=lambda event: event.event_type)
def test_an_example_is_understood_as_it_was_meant(expected: Event) -> None:
    delivered = Delivery(expected.event_type, example(expected.event_type))
    assert Decoder([type(expected)]).decode(delivered).data == expected


def test_an_order_may_say_within_how_many_seconds_it_is_to_be_fulfilled() -> None:
    """Its sender decides; who says nothing leaves it to the order service."""
    delivered = Delivery("order.placed.v1", example("order.placed.v1.within"))
    assert Decoder([OrderPlaced]).decode(delivered).data == UNDERSTOOD[0].model_copy(update={"fulfil_within": 3600})


def test_of_every_example_it_is_known_what_was_meant() -> None:
    assert [event.event_type for event in sorted(UNDERSTOOD, key=lambda event: event.event_type)] == TYPES
