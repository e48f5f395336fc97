"""Events are frozen facts with a place on the wire, and what they say is written in their JSON Schemas."""

import pytest
from dirty_equals import IsPartialDict
from hypothesis import given
from pydantic import ValidationError

from events import Event, Message, OrderPlaced
from tests.builders import address, line, order_placed, stock_released
from tests.unit import strategies

REQUIRED = {
    "order.placed.v1": {"order_id", "customer_id", "currency", "lines", "payment_method", "ship_to"},
    "order.cancelled.v1": {"order_id"},
    "stock.reserved.v1": {
        "order_id",
        "customer_id",
        "amount",
        "currency",
        "payment_method",
        "ship_to",
        "allocations",
    },
    "stock.rejected.v1": {"order_id", "reason"},
    "stock.released.v1": {"order_id"},
    "stock.deducted.v1": {"order_id"},
    "payment.captured.v1": {"order_id", "payment_id", "amount", "currency", "ship_to", "allocations"},
    "payment.declined.v1": {"order_id", "reason"},
    "payment.refunded.v1": {"order_id", "amount"},
    "shipment.scheduled.v1": {"order_id", "parcels"},
    "shipment.rejected.v1": {"order_id", "reason"},
    "shipment.dispatched.v1": {"order_id"},
    "shipment.cancelled.v1": {"order_id"},
    "shipment.cancellation_refused.v1": {"order_id"},
}
"""What a sender must say. One more would refuse what others send today."""


def test_the_published_language_has_these_events_and_no_others() -> None:
    assert {event.event_type for event in strategies.EVENTS} == REQUIRED.keys()


@pytest.mark.parametrize("event", strategies.EVENTS, ids=lambda event: event.event_type)
def test_every_event_has_a_json_schema_that_names_what_it_demands(event: type[Event]) -> None:
    assert set(event.model_json_schema()["required"]) == REQUIRED[event.event_type]


@pytest.mark.parametrize("event", strategies.EVENTS, ids=lambda event: event.event_type)
def test_every_event_is_published_at_the_exchange_of_its_owner(event: type[Event]) -> None:
    """`stock.*` is inventory's to say, and so on."""
    owners = {"order": "orders", "stock": "inventory", "payment": "payment", "shipment": "shipping"}
    assert event.exchange == owners[event.event_type.partition(".")[0]]


def test_the_schema_tells_the_contracts_limits() -> None:
    """Other teams generate their code from it."""
    schema = OrderPlaced.model_json_schema()
    assert schema["properties"]["lines"] == IsPartialDict(minItems=1, maxItems=100)
    assert schema["properties"]["order_id"] == IsPartialDict(format="uuid")
    assert schema["properties"]["fulfil_within"]["anyOf"][0] == IsPartialDict(minimum=1, maximum=315_360_000)
    assert schema["$defs"]["Line"]["properties"]["quantity"] == IsPartialDict(minimum=1, maximum=10_000)
    assert schema["$defs"]["Line"]["properties"]["unit_price"] == IsPartialDict(minimum=0, maximum=10**12)


def test_events_are_equal_if_they_say_the_same() -> None:
    """Identity, time and tracing live in the envelope."""
    placed = order_placed()
    assert order_placed(order_id=placed.order_id) == placed
    assert order_placed() != placed


def test_events_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        order_placed().customer_id = "somebody else"  # type: ignore[misc] # that is the point


def test_an_order_is_its_own_saga() -> None:
    placed = order_placed()
    assert placed.saga_id == str(placed.order_id)


def test_a_family_of_messages_must_say_which_saga_they_belong_to() -> None:
    with pytest.raises(NotImplementedError, match="Message must say which saga it belongs to"):
        _ = Message().saga_id


def test_an_orders_amount_is_the_sum_of_its_lines() -> None:
    assert order_placed(lines=(line("CHAIR", 2, 4990), line("LAMP", 1, 20))).amount == 10_000


def test_the_dearest_order_still_fits_64_bit() -> None:
    """100 lines of 10,000 pieces at the highest price."""
    dearest = order_placed(lines=[line(f"S{number}", 10_000, 10**12) for number in range(100)])
    assert dearest.amount < 2**63


def test_codes_of_currencies_may_be_written_small() -> None:
    """They are heard as ISO 4217 writes them."""
    assert order_placed(currency="eur").currency == "EUR"


def test_a_postal_code_may_be_missing() -> None:
    """Not every country has them."""
    assert order_placed(ship_to=address(postal_code="", country="AE")).ship_to.postal_code == ""


def test_whoever_released_stock_without_a_word_did_it_for_a_cancellation() -> None:
    """The defaults of what may be left out are part of the contract."""
    assert stock_released().model_dump(exclude={"order_id"}) == {"lines": (), "outcome": "cancelled", "reason": ""}


@given(strategies.any_event)
def test_what_may_be_left_out_is_never_needed_to_understand_the_rest(said: Event) -> None:
    """An event without its optional fields is still an event."""
    needed = REQUIRED[said.event_type]
    heard = type(said).model_validate_json(said.model_dump_json(include=needed), strict=True)
    assert heard.model_dump(include=needed) == said.model_dump(include=needed)
