"""What a dead letter tells, in which order letters go back, and which are meant."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aio_pika.abc import AbstractIncomingMessage
from dirty_equals import IsStr

from events import CONTENT_TYPE, Event
from inventory_service.handlers import inventory
from order_service.handlers import order
from payment_service.handlers import payment
from saga.cli.letters import ago
from saga.cli.plain import plain
from saga.deadletters import Letter, Selection, in_causal_order, refusable
from saga.deadletters.reading import read
from saga.deadletters.replaying import again
from saga.errors import CannotStart
from saga.service import Service
from saga.testing import enveloped
from shipping_service.handlers import shipping
from tests.builders import order_placed, payment_refunded, stock_reserved

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SERVICES = [order, inventory, payment, shipping]


def message(body: bytes, headers: dict[str, Any] | None = None, **properties: object) -> AbstractIncomingMessage:
    """As the runtime parked it."""
    parked = {
        "x-original-exchange": "orders",
        "x-original-routing-key": "order.placed.v1",
        "x-error": "InvalidContent",
        "x-reason": "because",
        "x-attempt": 3,
        "x-parked-at": NOON.isoformat(),
    }
    usual = SimpleNamespace(
        body=body,
        exchange="inventory.retry",
        routing_key="inventory.dead",
        headers=parked if headers is None else headers,
        content_type=None,
        message_id="m-1",
        correlation_id=None,
        type=None,
        timestamp=None,
        app_id=None,
        user_id=None,
    )
    return cast(AbstractIncomingMessage, SimpleNamespace(**vars(usual) | properties))


def letter_of(event: Event, service: Service = inventory, **stated: Any) -> Letter:
    """The letter of an event whose envelope says this."""
    envelope = replace(enveloped(event), **stated)
    headers = {"x-original-exchange": event.exchange, "x-original-routing-key": event.event_type}
    return read(service, message(envelope.encode(), headers, message_id=envelope.id, content_type=CONTENT_TYPE))


def test_causes_come_before_effects_though_a_clock_was_wrong() -> None:
    """Over three letters of a saga, of which the first is said to be the latest."""
    placed = order_placed()
    first = letter_of(placed, id="1", time=NOON + timedelta(hours=2))
    second = letter_of(payment_refunded(order_id=placed.order_id), id="2", causationid="1", time=NOON)
    third = letter_of(payment_refunded(order_id=placed.order_id), id="3", causationid="2", time=NOON)
    assert in_causal_order([third, second, first]) == [first, second, third]


def test_what_has_no_cause_among_the_letters_is_ordered_by_its_time() -> None:
    placed = order_placed()
    early, late = (letter_of(placed, id=str(hour), time=NOON + timedelta(hours=hour)) for hour in (1, 2))
    assert in_causal_order([late, early]) == [early, late]


def test_sagas_do_not_mix() -> None:
    """They go in the order of their first letters."""
    one, other = order_placed(), order_placed()
    letters = [letter_of(event, time=NOON + timedelta(hours=n)) for n, event in enumerate((one, other, one, other))]
    assert in_causal_order(letters) == [letters[0], letters[2], letters[1], letters[3]]


def test_letters_that_name_each_other_as_causes_are_ordered_all_the_same() -> None:
    """Whoever forged them holds up nobody, and loses nothing."""
    placed = order_placed()
    circle = [letter_of(placed, id=str(n), causationid=str((n + 1) % 3), time=NOON) for n in range(3)]
    itself = letter_of(placed, id="4", causationid="4", time=NOON)
    assert sorted(letter.id for letter in in_causal_order([*circle, itself])) == ["0", "1", "2", "4"]


def test_copies_of_a_cause_all_go_back() -> None:
    placed = order_placed()
    cause, copy = letter_of(placed, id="1", time=NOON), letter_of(placed, id="1", time=NOON)
    effect = letter_of(placed, id="2", causationid="1", time=NOON - timedelta(days=1))
    ordered = in_causal_order([effect, copy, cause])
    assert {letter.id for letter in ordered[:2]} == {"1", "2"}
    assert ordered.index(effect) > 0
    assert len(ordered) == 3


def test_ten_thousand_letters_of_one_saga_are_ordered_at_once() -> None:
    letter = letter_of(order_placed())
    chain = [replace(letter, event_id=str(n), causationid=str(n - 1)) for n in range(10_000)]
    began = datetime.now(UTC)
    assert in_causal_order(reversed(chain)) == chain
    assert datetime.now(UTC) - began < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("selection", "meant"),
    [
        (Selection(), True),
        (Selection(["m-1"]), True),
        (Selection(type="order.placed.v1"), True),
        (Selection(type="order.placed"), False),
        (Selection(words="BECAUSE"), True),
        (Selection(words="invalidcontent"), True),
        (Selection(words="otherwise"), False),
        (Selection(older=timedelta(hours=1)), True),
        (Selection(older=timedelta(days=36_500)), False),
        (Selection(newer=timedelta(days=36_500)), True),
        (Selection(newer=timedelta(minutes=1)), False),
        (Selection(["m-1"], words="otherwise"), False),
    ],
)
def test_a_selection_means_what_it_says(selection: Selection, *, meant: bool) -> None:
    """All of it must be true."""
    letter = read(inventory, message(b"{}", message(b"").headers | {"x-parked-at": "2026-01-01T00:00:00+00:00"}))
    assert selection.of([letter]) == ([letter] if meant else [])


def test_a_letter_that_is_named_must_be_there() -> None:
    with pytest.raises(CannotStart, match="no dead letter m-2, m-3: 'saga dead list' tells which there are"):
        Selection(["m-3", "m-1", "m-2"]).of([read(inventory, message(b"{}"))])


@pytest.mark.parametrize("message_id", [None, "", "bell\a", "nul\x00", "x" * 256])
def test_a_letter_without_a_name_is_named_by_its_body(message_id: str | None) -> None:
    """What a person types, or a database stores, holds nothing that it can't."""
    letters = [read(inventory, message(body, message_id=message_id)) for body in (b"one", b"one", b"two")]
    assert letters[0].id == letters[1].id != letters[2].id
    assert len(letters[0].id) == 12


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"[]", b"null", b"7", b'{"data": 7}', b'{"order_id": 7}', b"x" * 2_000_000]
)
def test_nothing_that_a_sender_can_put_into_a_letter_keeps_it_from_being_shown(body: bytes) -> None:
    headers: dict[str, Any] = {"x-attempt": "many", "x-parked-at": "soon", "x-death": [7, {"queue": "inventory"}]}
    for told in ({}, headers, {"x-death": "sentence"}):
        letter = read(inventory, message(body, told))
        assert (letter.envelope, letter.saga_id, letter.attempts) == (None, None, 0)


def test_a_letter_that_the_broker_parked_is_what_the_broker_says() -> None:
    """Its sender may have written headers like ours."""
    forged = {"x-original-exchange": "payment", "x-original-routing-key": "payment.refunded.v1"}
    death = {"queue": "inventory", "exchange": "orders", "routing-keys": ["order.placed.v1"], "time": NOON}
    letter = read(inventory, message(b"{}", forged | {"x-death": [death]}))
    assert (letter.exchange, letter.type, letter.parked_at) == ("orders", "order.placed.v1", NOON)


def test_a_letter_that_the_broker_parked_on_its_way_back_is_what_we_said() -> None:
    """It had come through the service's own exchange, where nobody else may write."""
    ours = {"x-original-exchange": "payment", "x-original-routing-key": "payment.refunded.v1"}
    deaths = [
        {"queue": "inventory", "exchange": "inventory.retry", "routing-keys": ["inventory"], "time": NOON},
        {"queue": "inventory.retry.5s", "exchange": "inventory.retry", "routing-keys": ["x"], "time": NOON},
    ]
    letter = read(inventory, message(b"{}", ours | {"x-death": deaths}))
    assert (letter.exchange, letter.type) == ("payment", "payment.refunded.v1")


def test_a_letter_goes_back_to_the_queue_of_its_service_as_if_for_the_first_time() -> None:
    """Untouched, with where it came from, and without what is told of its failures."""
    out = again(read(inventory, message(b"hello", correlation_id="c-1", app_id="till")))
    assert (out.exchange, out.routing_key) == ("inventory.retry", "inventory")
    assert (out.message.body, out.message.message_id, out.message.app_id) == (b"hello", "m-1", "till")
    came_from = {"x-original-exchange": "orders", "x-original-routing-key": "order.placed.v1"}
    assert out.message.headers == came_from | {"x-replayed-at": IsStr()}


def test_an_identity_that_was_derived_stays_when_a_letter_goes_back() -> None:
    """The broker has parked bare data that nobody gave a name."""
    body = order_placed().model_dump_json().encode()
    letter = read(inventory, message(body, message_id=None))
    assert letter.envelope is not None
    assert again(letter).message.message_id == letter.envelope.id


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: str(service.name))
def test_a_step_is_refused_with_what_it_says_itself(service: Service) -> None:
    """Those who hear of a refusal needn't know who decided it."""
    for name, refusing in service.refusals.items():
        step = service.steps[name]
        alone = Service(service.name, steps=service.steps, settlements=service.settlements)
        assert refusing.answers <= set(alone.said_by(step))


def test_each_step_that_can_be_undone_can_be_refused() -> None:
    """No order waits for ever for one of them."""
    refused = {(service.name, name) for service in SERVICES for name in service.refusals}
    assert refused == {
        ("inventory", "reserve_stock"),
        ("payment", "capture_payment"),
        ("shipping", "schedule_shipment"),
    }


@pytest.mark.parametrize(
    ("service", "event", "why"),
    [
        (inventory, payment_refunded(), "inventory's release_stock undoes something, and an undo can't be refused"),
        (order, stock_reserved(), "order's follow_order only listens, and has nothing to refuse"),
        (payment, order_placed(), "payment doesn't hear 'order.placed.v1', so there is nothing to refuse"),
    ],
)
def test_what_cannot_be_refused_tells_why(service: Service, event: Event, why: str) -> None:
    with pytest.raises(CannotStart) as refused:
        refusable(letter_of(event, service))
    assert refused.value.problem == why


def test_a_letter_of_no_known_saga_cannot_be_refused() -> None:
    with pytest.raises(CannotStart, match="nobody can tell which saga letter m-1 belongs to"):
        refusable(read(inventory, message(b"hello")))


def test_no_letter_commands_a_terminal() -> None:
    evil = "\x1b[2J[red]\u202eevil\nline"
    assert plain(evil).plain == "\\x1b[2J[red]\\u202eevil\\nline"
    assert plain(evil, lines=True).plain == "\\x1b[2J[red]\\u202eevil\nline"


@pytest.mark.parametrize(
    ("age", "told"), [(timedelta(seconds=119), "119 s"), (timedelta(minutes=3), "3 min"), (timedelta(days=90), "90 d")]
)
def test_an_age_is_told_in_its_own_unit(age: timedelta, told: str) -> None:
    assert ago(datetime.now(UTC) - age) == told
