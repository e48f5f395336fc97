"""What is understood: three forms of the same event, and whatever the sender left out is derived."""

from datetime import UTC, datetime, timedelta

import pytest
from dirty_equals import IsNow
from hypothesis import given, settings
from hypothesis import strategies as st

from events import CONTENT_TYPE, Decoder, Delivery, Envelope, Event, OrderPlaced
from tests.unit import strategies
from tests.unit.wire import ORDER_ID, PLACED, attributes, bare, binary, cloud_event, order, structured

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
decoder = Decoder(strategies.EVENTS)
the_order = OrderPlaced.model_validate(order())


def test_a_structured_cloudevent_is_understood() -> None:
    """One JSON object of attributes and data; each attribute that was given is kept."""
    time = "2026-10-31T12:00:00+01:00"
    sent = cloud_event(time=time, causationid="e-0", traceparent=TRACEPARENT)
    assert decoder.decode(structured(sent)) == Envelope[Event](
        id="e-1",
        source="till",
        type=PLACED,
        subject=ORDER_ID,
        time=datetime.fromisoformat(time),
        correlationid=ORDER_ID,
        causationid="e-0",
        traceparent=TRACEPARENT,
        data=the_order,
    )


@pytest.mark.parametrize("content_type", [f"{CONTENT_TYPE}; charset=utf-8", "", "application/json", "text/plain"])
def test_a_structured_cloudevent_may_be_pasted_with_any_content_type(content_type: str) -> None:
    """A person who pastes a whole CloudEvent into a form sets no content type, or the wrong one."""
    pasted = Delivery(PLACED, structured(cloud_event()).body, content_type=content_type)
    envelope = decoder.decode(pasted)
    assert (envelope.id, envelope.source, envelope.data) == ("e-1", "till", the_order)


@pytest.mark.parametrize("prefix", ["cloudEvents:", "cloudEvents_", "ce-"])
def test_a_binary_cloudevent_is_understood(prefix: str) -> None:
    """Attributes are headers under any of the prefixes in use, and the body is the data."""
    headers = attributes(prefix, time="2026-10-31T12:00:00Z", causationid="e-0", traceparent=TRACEPARENT)
    envelope = decoder.decode(binary(headers | {"x-unrelated": 7}))
    assert (envelope.id, envelope.source, envelope.data) == ("e-1", "till", the_order)
    assert (envelope.time, envelope.causationid) == (datetime(2026, 10, 31, 12, tzinfo=UTC), "e-0")
    assert envelope.traceparent == TRACEPARENT


@pytest.mark.parametrize("backwards", [False, True])
def test_an_attribute_under_several_prefixes_is_what_the_bindings_own_says(*, backwards: bool) -> None:
    """Whatever order the broker put the headers into."""
    headers = attributes("ce-", id="third") | {"cloudEvents:id": "first", "cloudEvents_id": "second"}
    envelope = decoder.decode(binary(dict(sorted(headers.items(), reverse=backwards))))
    assert envelope.id == "first"


def test_binary_attributes_may_be_of_the_types_that_brokers_make_of_them() -> None:
    """Headers can arrive as bytes, times as times, numbers as numbers, and nothing as None."""
    time = datetime(2026, 10, 31, 12, tzinfo=UTC)
    envelope = decoder.decode(binary(attributes(id=7, source=bytearray(b"till"), time=time, causationid=None)))
    assert (envelope.id, envelope.source, envelope.time, envelope.causationid) == ("7", "till", time, None)


def test_the_content_type_says_that_a_message_is_structured_whatever_its_headers() -> None:
    """CloudEvents' AMQP binding, section 3: the content type decides. Proxies may add headers of their own."""
    delivery = structured(cloud_event())
    envelope = decoder.decode(Delivery(PLACED, delivery.body, delivery.content_type, headers={"ce-traceparent": "x"}))
    assert (envelope.id, envelope.data) == ("e-1", the_order)


def test_bare_data_are_an_event_of_the_routing_key() -> None:
    """A person can paste just the data; the message's own properties say who, when and which."""
    then = datetime(2026, 10, 31, 12, tzinfo=UTC)
    delivery = Delivery(PLACED, bare(order()).body, message_id="m-1", app_id="till", timestamp=then)
    envelope = decoder.decode(delivery)
    assert (envelope.id, envelope.source, envelope.time, envelope.data) == ("m-1", "till", then, the_order)


def test_bare_data_pasted_twice_are_one_event() -> None:
    """Without a `message_id`, type and saga identify it, however its JSON is laid out."""
    once = decoder.decode(bare(order()))
    again = decoder.decode(bare(dict(reversed(order().items()))))
    assert (once.id, once.source) == (again.id, again.source)


def test_bare_data_of_another_order_or_type_are_another_event() -> None:
    other_order = decoder.decode(bare(order(order_id="0198f2a0-6f1e-7c3a-9d52-3c1e6b0f4a12")))
    cancelled = decoder.decode(Delivery("order.cancelled.v1", bare({"order_id": ORDER_ID}).body))
    assert len({decoder.decode(bare(order())).id, other_order.id, cancelled.id}) == 3


def test_bare_data_with_message_ids_are_as_many_events() -> None:
    """Whoever gives ids means them."""
    ids = [decoder.decode(bare(order(), message_id=message_id)).id for message_id in ("m-1", "m-2")]
    assert ids == ["m-1", "m-2"]


def test_the_order_is_the_saga_whatever_the_sender_says() -> None:
    """Subject and correlation are derived from the data: nobody can speak into another order's saga."""
    envelope = decoder.decode(structured(cloud_event(subject="another", correlationid="another")))
    assert (envelope.subject, envelope.correlationid, envelope.saga_id) == (ORDER_ID, ORDER_ID, ORDER_ID)


def test_a_time_that_was_left_out_is_the_messages_or_now() -> None:
    then = datetime(2026, 10, 31, 12, tzinfo=UTC)
    delivery = structured(cloud_event())
    stamped = Delivery(PLACED, delivery.body, delivery.content_type, timestamp=then)
    assert decoder.decode(stamped).time == then
    assert decoder.decode(delivery).time == IsNow(delta=timedelta(seconds=5), tz=UTC)


@pytest.mark.parametrize(
    "junk",
    [
        "junk",
        "x" * 5000,
        7,
        {"a": 1},
        "",
        TRACEPARENT.upper(),
        f"ff{TRACEPARENT[2:]}",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-4bf92f3577b34da6a3ce929d0e0e4736-{'0' * 16}-01",
    ],
)
def test_a_traceparent_that_is_none_is_dropped(junk: object) -> None:
    """What W3C calls invalid is ignored: no order is refused because of somebody's tracing."""
    assert decoder.decode(structured(cloud_event(traceparent=junk))).traceparent is None
    assert decoder.decode(binary(attributes(traceparent=junk))).traceparent is None


def test_unknown_fields_are_ignored_at_every_depth() -> None:
    """So events can grow without their readers."""
    address, line = the_order.ship_to.model_dump(), the_order.lines[0].model_dump()
    grown = order(ship_to=address | {"floor": 3}, lines=[line | {"note": None}], voucher=["V"])
    assert decoder.decode(structured(cloud_event(data=grown, dataschema="urn:x", priority=1))).data == the_order
    assert decoder.decode(bare(grown)).data == the_order


def test_a_word_of_specversion_in_the_data_makes_no_cloudevent() -> None:
    """Only an object that says its type beside it is taken for one."""
    assert decoder.decode(bare(order(customer_id='"specversion"'))).saga_id == ORDER_ID


@pytest.mark.parametrize("event", strategies.EVENTS, ids=lambda event: event.event_type)
@settings(max_examples=12)
@given(data=st.data())
def test_decoding_undoes_encoding(event: type[Event], data: st.DataObject) -> None:
    """What one service says is what another hears, in every field."""
    said = data.draw(strategies.envelopes(event))
    assert decoder.decode(Delivery(said.type, said.encode(), CONTENT_TYPE)) == said


@given(said=strategies.any_event)
def test_the_three_forms_of_an_event_mean_the_same(said: Event) -> None:
    body = said.model_dump_json().encode()
    headers = attributes(type=said.event_type)
    whole = cloud_event(type=said.event_type, data=said.model_dump(mode="json"))
    heard = [
        decoder.decode(Delivery(said.event_type, structured(whole).body, CONTENT_TYPE)),
        decoder.decode(Delivery(said.event_type, body, headers=headers)),
        decoder.decode(Delivery(said.event_type, body)),
    ]
    assert [envelope.data for envelope in heard] == [said] * 3
