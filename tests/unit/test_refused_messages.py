"""What is not understood is refused with a word that names the field, and never with another accident."""

import json
import re
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from events import (
    CONTENT_TYPE,
    BodyTooLarge,
    Decoder,
    Delivery,
    Envelope,
    Event,
    InvalidContent,
    InvalidMessage,
    OrderPlaced,
    TypeMismatch,
    UnknownType,
)
from tests.unit import strategies
from tests.unit.wire import (
    ORDER_ID,
    PLACED,
    attributes,
    bare,
    binary,
    cloud_event,
    order,
    order_line,
    ship_to,
    structured,
)

decoder = Decoder(strategies.EVENTS)


def refusal(delivery: Delivery) -> InvalidMessage:
    with pytest.raises(InvalidMessage) as refused:
        decoder.decode(delivery)
    return refused.value


def bare_as(event_type: str, **data: object) -> Delivery:
    return Delivery(event_type, bare({"order_id": ORDER_ID, **data}).body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b'{"order_id": ',
        b'{"customer_id": "\xff\xfe"}',
        json.dumps(order()).encode("utf-16"),
        json.dumps(order()).replace("c-42", r"\ud800").encode(),
        json.dumps(order()).replace("4990", "9" * 5000).encode(),
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
    ids=["empty", "text", "cut off", "no UTF-8", "UTF-16", "surrogate", "5000 digits", "deep list", "deep object"],
)
@pytest.mark.parametrize("content_type", ["", CONTENT_TYPE])
def test_a_body_that_is_no_json_is_refused(body: bytes, content_type: str) -> None:
    """The text says where it stops being JSON."""
    refused = refusal(Delivery(PLACED, body, content_type))
    assert isinstance(refused, InvalidContent)
    assert str(refused).startswith("not a valid order.placed.v1: Invalid JSON: ")
    assert " at line 1 column " in str(refused)


@pytest.mark.parametrize("content", [None, 7, "order", [order()]])
def test_a_body_that_is_no_object_is_refused(content: object) -> None:
    assert str(refusal(bare(content))) == "not a valid order.placed.v1: Input should be an object"


BAD_DATA: dict[str, tuple[dict[str, object], str]] = {
    "order_id missing": ({"order_id": None}, "order_id"),
    "order_id no UUID": ({"order_id": "42"}, "order_id"),
    "order_id a number": ({"order_id": 42}, "order_id"),
    "customer_id empty": ({"customer_id": ""}, "customer_id"),
    "customer_id a number": ({"customer_id": 42}, "customer_id"),
    "customer_id long": ({"customer_id": "c" * 201}, "customer_id"),
    "customer_id with NUL": ({"customer_id": "c\0"}, "customer_id"),
    "payment_method with NUL": ({"payment_method": "\0pm"}, "payment_method"),
    "currency unknown": ({"currency": "XXX"}, "currency"),
    "currency a number": ({"currency": 978}, "currency"),
    "lines missing": ({"lines": None}, "lines"),
    "no lines": ({"lines": []}, "lines"),
    "101 lines": ({"lines": [order_line(sku=f"S{number}") for number in range(101)]}, "lines"),
    "a sku twice": ({"lines": [order_line(), order_line(quantity=1)]}, "lines"),
    "a line a word": ({"lines": ["CHAIR"]}, "lines.0"),
    "sku empty": ({"lines": [order_line(sku="")]}, "lines.0.sku"),
    "sku long": ({"lines": [order_line(sku="S" * 65)]}, "lines.0.sku"),
    "sku with a space": ({"lines": [order_line(sku="A CHAIR")]}, "lines.0.sku"),
    "sku with NUL": ({"lines": [order_line(sku="CH\0IR")]}, "lines.0.sku"),
    "quantity negative": ({"lines": [order_line(quantity=-1)]}, "lines.0.quantity"),
    "quantity zero": ({"lines": [order_line(quantity=0)]}, "lines.0.quantity"),
    "quantity large": ({"lines": [order_line(quantity=10_001)]}, "lines.0.quantity"),
    "quantity beyond 64 bit": ({"lines": [order_line(quantity=2**64)]}, "lines.0.quantity"),
    "quantity a string": ({"lines": [order_line(quantity="2")]}, "lines.0.quantity"),
    "quantity a float": ({"lines": [order_line(quantity=2.0)]}, "lines.0.quantity"),
    "quantity a bool": ({"lines": [order_line(quantity=True)]}, "lines.0.quantity"),
    "quantity not a number": ({"lines": [order_line(quantity=float("nan"))]}, "lines.0.quantity"),
    "second line's quantity": ({"lines": [order_line(), order_line(sku="D", quantity=-1)]}, "lines.1.quantity"),
    "price negative": ({"lines": [order_line(unit_price=-1)]}, "lines.0.unit_price"),
    "price a float": ({"lines": [order_line(unit_price=49.9)]}, "lines.0.unit_price"),
    "price beyond 64 bit": ({"lines": [order_line(unit_price=2**63)]}, "lines.0.unit_price"),
    "ship_to missing": ({"ship_to": None}, "ship_to"),
    "name with NUL": ({"ship_to": ship_to(name="Ada\0")}, "ship_to.name"),
    "postal code with NUL": ({"ship_to": ship_to(postal_code="SW1\0")}, "ship_to.postal_code"),
    "postal code long": ({"ship_to": ship_to(postal_code="1" * 21)}, "ship_to.postal_code"),
    "country unknown": ({"ship_to": ship_to(country="ZZ")}, "ship_to.country"),
    "country by its name": ({"ship_to": ship_to(country="United Kingdom")}, "ship_to.country"),
    "country a number": ({"ship_to": ship_to(country=826)}, "ship_to.country"),
}


@pytest.mark.parametrize(("changes", "field"), BAD_DATA.values(), ids=BAD_DATA)
def test_an_order_beyond_the_contracts_limits_is_refused_by_the_name_of_the_field(
    changes: dict[str, object], field: str
) -> None:
    """In every form alike; None stands for what is missing."""
    data = {name: value for name, value in order(**changes).items() if value is not None}
    for delivery, place in (
        (bare(data), field),
        (binary(attributes(), data), field),
        (structured(cloud_event(data=data)), f"data.{field}"),
        (bare(cloud_event(data=data)), f"data.{field}"),
    ):
        refused = refusal(delivery)
        assert isinstance(refused, InvalidContent)
        assert [problem.partition(": ")[0] for problem in refused.problems] == [place] or (
            field == "lines" and refused.problems == _twice(place)
        )


def _twice(place: str) -> tuple[str, ...]:
    """What is wrong with an order's lines as a whole is told of the order."""
    whole = place.removesuffix("lines").removesuffix(".")
    text = "lines: sku 'CHAIR' is there 2 times, and may be there once"
    return (f"{whole}: {text}" if whole else text,)


@pytest.mark.parametrize(
    ("delivery", "field"),
    [
        (bare_as("order.cancelled.v1", reason="\0"), "reason"),
        (bare_as("order.cancelled.v1", reason="r" * 501), "reason"),
        (bare_as("stock.rejected.v1", reason="r", detail="\0"), "detail"),
        (bare_as("stock.released.v1", reason="\0"), "reason"),
        (bare_as("stock.released.v1", outcome="lost"), "outcome"),
        (bare_as("payment.declined.v1", reason="r", detail="\0"), "detail"),
        (bare_as("payment.refunded.v1", amount=0, reason="\0"), "reason"),
        (bare_as("shipment.rejected.v1", reason="r", detail="\0"), "detail"),
        (bare_as("shipment.cancelled.v1", reason="\0"), "reason"),
        (bare_as("shipment.cancellation_refused.v1", detail="\0"), "detail"),
        (bare_as("payment.refunded.v1", amount=2**63), "amount"),
        (bare_as("payment.refunded.v1", amount=-1), "amount"),
        (bare_as("payment.refunded.v1", amount="0"), "amount"),
        (bare_as("stock.deducted.v1", lines=[{"sku": "S", "warehouse": "w", "quantity": 2**63}]), "lines.0.quantity"),
        (bare_as("stock.deducted.v1", lines=[{"sku": "S", "warehouse": "\0", "quantity": 1}]), "lines.0.warehouse"),
        (
            bare_as("stock.rejected.v1", reason="r", shortages=[{"sku": "S", "requested": 1, "available": 2**63}]),
            "shortages.0.available",
        ),
    ],
    ids=lambda value: f"{value.type} {bytes(value.body)[54:75]!r}" if isinstance(value, Delivery) else value,
)
def test_what_no_database_could_store_is_refused_in_every_event(delivery: Delivery, field: str) -> None:
    """NUL in texts and numbers beyond 64 bit would fail in a handler, again and again."""
    assert str(refusal(delivery)).startswith(f"not a valid {delivery.type}: {field}: ")


BAD_ATTRIBUTES: dict[str, tuple[dict[str, object], str]] = {
    "specversion missing": ({"specversion": ...}, "specversion: Field required"),
    "id missing": ({"id": ...}, "id: Field required"),
    "source missing": ({"source": ...}, "source: Field required"),
    "type missing": ({"type": ...}, "type: Field required"),
    "specversion wrong": ({"specversion": "0.3"}, "specversion: Input should be '1.0'"),
    "id empty": ({"id": ""}, "id: String should have at least 1 character"),
    "id long": ({"id": "i" * 256}, "id: String should have at most 255 characters"),
    "source with NUL": ({"source": "a\0"}, "source: String should match pattern"),
    "time naive": ({"time": "2026-10-31T12:00:00"}, "time: Input should have timezone info"),
    "time no time": ({"time": "noon"}, "time: Input should be a valid datetime"),
    "time before clocks": ({"time": "0001-01-01T00:00:00+14:00"}, "time: Input should be greater than"),
    "time after clocks": ({"time": "9999-12-31T23:59:59-12:00"}, "time: Input should be less than"),
    "cause empty": ({"causationid": ""}, "causationid: String should have at least 1 character"),
}


@pytest.mark.parametrize(("changes", "problem"), BAD_ATTRIBUTES.values(), ids=BAD_ATTRIBUTES)
def test_a_cloudevent_without_its_attributes_is_refused_by_their_name(changes: dict[str, object], problem: str) -> None:
    """Structured and binary alike."""
    for delivery in (structured(cloud_event(**changes)), binary(attributes(**changes))):
        refused = refusal(delivery)
        assert isinstance(refused, InvalidContent)
        assert str(refused).startswith(f"not a valid order.placed.v1: {problem}")


@pytest.mark.parametrize("data", [..., None, "x", []])
def test_a_structured_cloudevent_without_data_is_refused(data: object) -> None:
    refused = refusal(structured(cloud_event(data=data)))
    assert isinstance(refused, InvalidContent)
    assert str(refused).startswith("not a valid order.placed.v1: data: ")


def test_a_body_of_five_megabytes_is_refused_unread() -> None:
    assert refusal(Delivery(PLACED, b" " * 5_000_000)) == BodyTooLarge(5_000_000, 1024 * 1024)
    assert str(BodyTooLarge(5_000_000, 1024 * 1024)) == (
        "the body has 5,000,000 bytes, and at most 1,048,576 are accepted"
    )


def test_a_type_that_nobody_here_speaks_is_refused() -> None:
    assert refusal(Delivery("order.eaten.v1", bare(order()).body)) == UnknownType("order.eaten.v1")
    assert str(UnknownType("order.eaten.v1")) == "unknown event type 'order.eaten.v1'"


def test_a_decoder_speaks_only_the_types_that_it_was_given() -> None:
    with pytest.raises(UnknownType):
        Decoder([OrderPlaced]).decode(Delivery("order.cancelled.v1", bare(order()).body))


@pytest.mark.parametrize("data", [order(), {}, "x"])
def test_a_type_that_differs_from_the_routing_key_is_refused(data: object) -> None:
    """Else who may write to one exchange could speak in the name of another. It is told before anything else."""
    told = TypeMismatch("payment.captured.v1", PLACED)
    assert refusal(structured(cloud_event(type="payment.captured.v1", data=data))) == told
    assert refusal(bare(cloud_event(type="payment.captured.v1", data=data))) == told
    assert refusal(binary(attributes(type="payment.captured.v1"), data)) == told
    assert str(told) == "the message says it is 'payment.captured.v1', but its routing key is 'order.placed.v1'"


def test_many_problems_are_told_in_few_words() -> None:
    """Five of them, and how many more there are."""
    nothing = {"customer_id": "", "currency": "", "payment_method": "", "ship_to": {}}
    refused = refusal(bare(order(order_id="", lines=[order_line(quantity=0)], **nothing)))
    assert isinstance(refused, InvalidContent)
    assert len(refused.problems) == 6
    assert str(refused).endswith("; and 4 more")


def test_of_a_megabyte_of_bad_lines_the_first_is_named() -> None:
    """Whoever is at the door, or behind it in the queue, needn't wait until all of them have been looked at."""
    body = json.dumps(order(lines=[{}] * 300_000)).encode()
    with pytest.raises(ValidationError) as refused:
        OrderPlaced.model_validate_json(body, strict=True)
    assert {problem["loc"] for problem in refused.value.errors()} == {
        ("lines",), ("lines", 0, "sku"), ("lines", 0, "quantity"), ("lines", 0, "unit_price"),
    }  # fmt: skip


@pytest.mark.parametrize("item", ["{}", "1"])
def test_of_a_flood_of_problems_none_is_named(item: str) -> None:
    """To list a megabyte of them would take the consumer seconds, and whoever consumes waits."""
    body = f'{{"order_id": "{ORDER_ID}", "parcels": [{",".join([item] * 100_000)}]}}'.encode()
    refused = refusal(Delivery("shipment.dispatched.v1", body))
    assert re.fullmatch(r"not a valid shipment.dispatched.v1: \d00,000 problems, too many to name one", str(refused))


def test_a_type_of_a_megabyte_is_not_repeated() -> None:
    """The text goes into a header and a log."""
    told = str(refusal(structured(cloud_event(type="t" * 500_000))))
    assert told.startswith("the message says it is 'tttt")
    assert len(told) < 200


def test_all_that_can_be_wrong_with_a_message_is_an_invalid_message() -> None:
    """Whoever consumes has one thing to expect."""
    for error in (BodyTooLarge, UnknownType, TypeMismatch, InvalidContent):
        assert issubclass(error, InvalidMessage)


PERSONAL = "Mrs Grace Brewster Murray Hopper"


@pytest.mark.parametrize(
    "changes",
    [
        {"order_id": PERSONAL},
        {"customer_id": f"{PERSONAL}\0"},
        {"customer_id": [PERSONAL]},
        {"currency": PERSONAL},
        {"payment_method": {PERSONAL: PERSONAL}},
        {"ship_to": PERSONAL},
        {"ship_to": {"name": f"{PERSONAL}\0", "street": PERSONAL * 10, "city": [PERSONAL], "country": PERSONAL}},
        {"lines": [PERSONAL]},
        {"lines": [order_line(quantity=PERSONAL)]},
    ],
)
def test_a_refusal_repeats_nothing_that_may_be_personal(changes: dict[str, object]) -> None:
    """Its text goes into headers and logs."""
    for delivery in (
        bare(order(**changes)),
        structured(cloud_event(data=order(**changes))),
        binary(attributes(), order(**changes)),
    ):
        refused = refusal(delivery)
        assert not any(name in f"{refused} {refused!r}" for name in PERSONAL.split())


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_types = st.sampled_from([event.event_type for event in strategies.EVENTS] + ["nothing.known.v1", ""])
_forms = st.sampled_from([{}, {"content_type": CONTENT_TYPE}, {"headers": attributes()}, {"headers": {"ce-id": 1}}])


def decoded_or_refused(delivery: Delivery) -> Envelope[Event] | InvalidMessage:
    try:
        return decoder.decode(delivery)
    except InvalidMessage as refused:
        return refused


def delivered(event_type: str, body: bytes, form: dict[str, object]) -> Delivery:
    headers = cast(dict[str, object], form.get("headers", {}))
    return Delivery(event_type, body, str(form.get("content_type", "")), headers=headers)


@given(_types, st.binary(max_size=200), _forms)
def test_any_bytes_are_decoded_or_refused(event_type: str, body: bytes, form: dict[str, object]) -> None:
    """Never anything else."""
    assert str(decoded_or_refused(delivered(event_type, body, form)))


@given(_types, _json, _forms)
def test_any_json_is_decoded_or_refused(event_type: str, content: object, form: dict[str, object]) -> None:
    """Never anything else."""
    assert str(decoded_or_refused(delivered(event_type, json.dumps(content).encode(), form)))


@given(st.data())
def test_any_order_with_one_field_of_any_value_is_decoded_or_refused(data: st.DataObject) -> None:
    """What is decoded can be said again, and is within the contract's limits."""
    field = data.draw(st.sampled_from(sorted(order())))
    heard = decoded_or_refused(bare(order(**{field: data.draw(_json)})))
    if isinstance(heard, Envelope):
        assert decoder.decode(Delivery(PLACED, heard.encode(), CONTENT_TYPE)) == heard


@given(st.sampled_from(sorted(cloud_event())), _json)
def test_any_cloudevent_with_one_attribute_of_any_value_is_decoded_or_refused(name: str, value: object) -> None:
    """Never anything else, structured or pasted or binary."""
    assert str(decoded_or_refused(structured(cloud_event(**{name: value}))))
    assert str(decoded_or_refused(bare(cloud_event(**{name: value}))))
    assert str(decoded_or_refused(binary(attributes() | {f"ce-{name}": value})))
