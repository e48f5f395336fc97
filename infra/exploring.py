"""The order saga, to be explored: `saga explore infra.exploring:order_saga`, and `infra.exploring:deadlines`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from events import Address, Line, Message, OrderCancelled, OrderPlaced
from inventory_service.handlers import inventory
from order_service.handlers import order
from order_service.settings import OrderSettings
from payment_service.gateway import Capture, Refund, SimulatedGateway
from payment_service.handlers import payment
from saga.exploring import Scenario, Story
from shipping_service.gateway import Book, CancelBooking, SimulatedCarrier
from shipping_service.handlers import Dispatch, shipping

STOCK = """
    INSERT INTO stock (sku, warehouse, on_hand)
    VALUES ('CHAIR', 'berlin', 1), ('CHAIR', 'leipzig', 1000000), ('SOFA', 'berlin', 0)
"""
LONDON = Address(
    name="Ada Lovelace", street="12 St James's Square", city="London", postal_code="SW1Y 4JH", country="GB"
)


def placed(saga: UUID, *, sku: str = "CHAIR", card: str = "pm_card_visa", country: str = "GB") -> OrderPlaced:
    """An order for pieces of two warehouses."""
    return OrderPlaced(
        order_id=saga,
        customer_id="c-42",
        currency="EUR",
        lines=(Line(sku=sku, quantity=2, unit_price=4990),),
        payment_method=card,
        ship_to=LONDON.model_copy(update={"country": country}),
    )


def story(*, cancelled: bool = False, dispatched: bool = False, **order: str) -> Story:
    def told(saga: UUID) -> Sequence[Message]:
        more: list[Message] = [OrderCancelled(order_id=saga, reason="cancelled")] if cancelled else []
        more += [Dispatch(order_id=saga)] if dispatched else []
        return [placed(saga, **order), *more]

    return told


order_saga = Scenario(
    services=[order, inventory, payment, shipping],
    stories={
        "fulfilled": story(),
        "dispatched": story(dispatched=True),
        "sold out": story(sku="SOFA", cancelled=True),
        "declined": story(card="pm_card_chargeDeclined", cancelled=True),
        "not served": story(country="AQ", cancelled=True),
        "cancelled": story(cancelled=True, dispatched=True),
    },
    outside={
        "payment": lambda books: {
            Capture: (gateway := SimulatedGateway(books, latency=0, timeout_rate=0)).capture,
            Refund: gateway.refund,
        },
        "shipping": lambda books: {
            Book: (carrier := SimulatedCarrier(books, latency=0, timeout_rate=0)).book,
            CancelBooking: carrier.cancel,
        },
    },
    prepared={"inventory": STOCK},
)

deadlines = replace(
    order_saga,
    stories={
        "late": story(),
        "late, or dispatched": story(dispatched=True),
        "late, or not served": story(country="AQ"),
    },
    clocks={"order": OrderSettings.model_construct(fulfil_within=timedelta())},
)
"""Every order's time is up as soon as it is heard of, and the order service may notice that at any moment."""
