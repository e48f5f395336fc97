"""What the front door needs to understand to keep an order's status: every fact, and why it came to that."""

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
from order_service.handlers import order
from tests.contract.examples_of import CHAIRS, LONDON, ORDER_ID, PARCEL, example, heard_by

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
def test_the_order_service_understands_what_the_contract_says(expected: Event) -> None:
    """Field by field."""
    assert heard_by(order, expected.event_type) == expected


def test_an_order_may_say_within_how_many_seconds_it_is_to_be_fulfilled() -> None:
    """Its sender decides; who says nothing leaves it to the order service."""
    body = example("order.placed.v1.within")
    assert Decoder(order.heard).decode(Delivery("order.placed.v1", body)).data == UNDERSTOOD[0].model_copy(
        update={"fulfil_within": 3600}
    )


def test_the_order_service_hears_nothing_else() -> None:
    """Whoever lets it hear more says here what it expects of it."""
    assert set(order.heard) == {type(event) for event in UNDERSTOOD}
