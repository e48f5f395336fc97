"""Valid events to begin with: a test names only what matters to it.

Each call tells of a new order, unless it is given an `order_id`. Changes are given as the wire has them or as values.
"""

from typing import TypeVar

import uuid_utils.compat as uuid

from events import (
    Address,
    Allocation,
    Event,
    Line,
    OrderCancelled,
    OrderPlaced,
    Parcel,
    PaymentCaptured,
    PaymentDeclined,
    PaymentRefunded,
    ShipmentCancellationRefused,
    ShipmentCancelled,
    ShipmentDispatched,
    ShipmentRejected,
    ShipmentScheduled,
    StockDeducted,
    StockRejected,
    StockReleased,
    StockReserved,
)

E = TypeVar("E", bound=Event)


def line(sku: str = "CHAIR", quantity: int = 2, unit_price: int = 4990) -> Line:
    return Line(sku=sku, quantity=quantity, unit_price=unit_price)


def address(**changes: object) -> Address:
    known = {"name": "Ada Lovelace", "street": "12 St James's Square", "city": "London", "postal_code": "SW1Y 4JH"}
    return Address.model_validate({**known, "country": "GB", **changes})


def allocation(sku: str = "CHAIR", warehouse: str = "berlin", quantity: int = 2) -> Allocation:
    return Allocation(sku=sku, warehouse=warehouse, quantity=quantity)


def parcel(warehouse: str = "berlin", **changes: object) -> Parcel:
    known = {"parcel_id": f"parcel_{warehouse}", "carrier": "simulated", "tracking": f"SIM{warehouse}"}
    return Parcel.model_validate({**known, "warehouse": warehouse, **changes})


def order_placed(**changes: object) -> OrderPlaced:
    """Two chairs to London, paid by a card that works."""
    return _event(
        OrderPlaced,
        changes,
        customer_id="c-42",
        currency="EUR",
        lines=(line(),),
        payment_method="pm_card_visa",
        ship_to=address(),
    )


def order_cancelled(**changes: object) -> OrderCancelled:
    return _event(OrderCancelled, changes, reason="changed_my_mind")


def stock_reserved(**changes: object) -> StockReserved:
    return _event(
        StockReserved,
        changes,
        customer_id="c-42",
        amount=9980,
        currency="EUR",
        payment_method="pm_card_visa",
        ship_to=address(),
        allocations=(allocation(),),
    )


def stock_rejected(**changes: object) -> StockRejected:
    return _event(StockRejected, changes, reason="out_of_stock")


def stock_released(**changes: object) -> StockReleased:
    return _event(StockReleased, changes)


def stock_deducted(**changes: object) -> StockDeducted:
    return _event(StockDeducted, changes, lines=(allocation(),))


def payment_captured(**changes: object) -> PaymentCaptured:
    return _event(
        PaymentCaptured,
        changes,
        payment_id="pay_1",
        amount=9980,
        currency="EUR",
        ship_to=address(),
        allocations=(allocation(),),
    )


def payment_declined(**changes: object) -> PaymentDeclined:
    return _event(PaymentDeclined, changes, reason="card_declined")


def payment_refunded(**changes: object) -> PaymentRefunded:
    """Nothing had been captured."""
    return _event(PaymentRefunded, changes, amount=0)


def shipment_scheduled(**changes: object) -> ShipmentScheduled:
    return _event(ShipmentScheduled, changes, parcels=(parcel(),))


def shipment_rejected(**changes: object) -> ShipmentRejected:
    return _event(ShipmentRejected, changes, reason="destination_not_served")


def shipment_dispatched(**changes: object) -> ShipmentDispatched:
    return _event(ShipmentDispatched, changes, parcels=(parcel(),))


def shipment_cancelled(**changes: object) -> ShipmentCancelled:
    """Nothing had been booked."""
    return _event(ShipmentCancelled, changes, reason="changed_my_mind")


def shipment_cancellation_refused(**changes: object) -> ShipmentCancellationRefused:
    return _event(ShipmentCancellationRefused, changes)


def _event(event: type[E], changes: dict[str, object], **usual: object) -> E:
    return event.model_validate({"order_id": uuid.uuid7(), **usual, **changes})
