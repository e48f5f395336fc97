"""What others read of us: the examples are what our events look like on the wire, whole and in every name."""

import json
from datetime import UTC, datetime

import pytest

from events import CONTENT_TYPE, Decoder, Delivery, Envelope, Event, OrderPlaced, StockDeducted
from inventory_service.handlers import inventory
from order_service.handlers import order
from payment_service.handlers import payment
from saga.testing import enveloped
from shipping_service.handlers import shipping
from tests.contract.examples_of import CHAIRS, FOLDER, ORDER_ID, TYPES, example

SAID = {event.event_type: event for service in (order, inventory, payment, shipping) for event in service.said}


def test_everything_that_is_said_has_an_example() -> None:
    """And no example is of something that nobody says."""
    assert set(TYPES) == SAID.keys()


@pytest.mark.parametrize("event_type", TYPES)
def test_an_example_is_written_again_as_it_was_read(event_type: str) -> None:
    """No field that the model doesn't know, none that it would leave out, none that it would write otherwise.

    What has no value is not written at all.
    """
    told = json.loads(example(event_type))
    event: Event = Decoder(SAID.values()).decode(Delivery(event_type, example(event_type))).data
    assert json.loads(event.model_dump_json(exclude_none=True)) == told


def test_what_may_be_left_out_is_never_written_as_null() -> None:
    """Who reads the first version of an event strictly knows no null there."""
    said = StockDeducted(order_id=ORDER_ID), OrderPlaced.model_validate_json(example("order.placed.v1"))
    assert [b"null" in enveloped(event).encode() for event in said] == [False, False]


def test_the_envelope_is_a_cloudevent_with_the_extensions_of_the_contract() -> None:
    """Read and written alike, attribute by attribute."""
    body = (FOLDER / "envelope.json").read_bytes()
    envelope = Decoder([StockDeducted]).decode(Delivery("stock.deducted.v1", body, CONTENT_TYPE))
    assert envelope == Envelope[Event](
        id="0198f2a0-7000-7000-8000-000000000001",
        source="inventory",
        type="stock.deducted.v1",
        subject=ORDER_ID,
        time=datetime(2026, 10, 31, 12, tzinfo=UTC),
        correlationid=ORDER_ID,
        causationid="0198f2a0-7000-7000-8000-000000000000",
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        data=StockDeducted(order_id=ORDER_ID, lines=(CHAIRS,)),
    )
    assert json.loads(envelope.encode()) == json.loads(body)


def test_what_has_no_cause_and_no_trace_says_nothing_of_them() -> None:
    """CloudEvents knows no null attributes."""
    said = StockDeducted(order_id=ORDER_ID)
    envelope = Envelope[Event](
        id="e-1",
        source="inventory",
        type=said.event_type,
        subject=ORDER_ID,
        time=datetime(2026, 10, 31, 12, tzinfo=UTC),
        correlationid=ORDER_ID,
        data=said,
    )
    assert not {"causationid", "traceparent"} & json.loads(envelope.encode()).keys()
