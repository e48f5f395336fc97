"""Where a message came from, how often it has failed, what caused it and in which trace."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest
from aio_pika.abc import AbstractIncomingMessage
from hypothesis import given

from events import AboutOrder, Envelope, Event, Message
from inventory_service.handlers import ReleaseStock, inventory
from order_service.handlers import order
from payment_service.handlers import payment
from saga.broker import Names, short, user
from saga.declarations import Step
from saga.outbox import enveloped
from saga.participant import read_cause
from saga.retries import attempts, origin
from saga.testing import enveloped as from_outside
from saga.tracing import child_of, passed_on, root, understood
from shipping_service.handlers import shipping
from tests.builders import order_placed, payment_declined, stock_released
from tests.unit import strategies

inventory_names = Names("inventory")


def message(exchange: str, routing_key: str = "", **headers: object) -> AbstractIncomingMessage:
    """What the broker delivers; only what is read of it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    delivered = SimpleNamespace(exchange=exchange, routing_key=routing_key, headers=named)
    return cast(AbstractIncomingMessage, delivered)


@pytest.mark.parametrize(
    ("pause", "text"),
    [
        (timedelta(milliseconds=100), "100ms"),
        (timedelta(seconds=1.5), "1500ms"),
        (timedelta(seconds=5), "5s"),
        (timedelta(seconds=90), "90s"),
        (timedelta(minutes=5), "5m"),
        (timedelta(hours=2), "2h"),
        (timedelta(days=1), "24h"),
        (timedelta(), "0ms"),
    ],
)
def test_a_pause_is_written_shortly_in_a_queues_name(pause: timedelta, text: str) -> None:
    """In the largest unit that says it exactly."""
    assert short(pause) == text


def test_the_names_of_a_services_things_are_those_of_the_contract() -> None:
    names = inventory_names
    assert (names.queue, names.retry_exchange, names.dead) == ("inventory", "inventory.retry", "inventory.dead")
    assert [names.tier(timedelta(seconds=pause)) for pause in (5, 30, 300)] == [
        "inventory.retry.5s",
        "inventory.retry.30s",
        "inventory.retry.5m",
    ]


@pytest.mark.parametrize(
    ("url", "name"),
    [("amqp://t%40m:pw@host/", "t@m"), ("amqp://publisher@host:5672/", "publisher"), ("amqp://h/", "guest")],
)
def test_the_broker_is_told_the_user_of_the_url(url: str, name: str) -> None:
    """The broker verifies it, so it has to be the one who connects."""
    assert user(url) == name


def test_a_message_comes_from_where_it_was_published() -> None:
    assert origin(message("orders", "order.placed.v1"), inventory_names) == ("orders", "order.placed.v1")


def test_a_message_that_comes_back_is_of_where_it_was_first_published() -> None:
    returned = message(
        "inventory.retry", "inventory", x_original_exchange="orders", x_original_routing_key="order.placed.v1"
    )
    assert origin(returned, inventory_names) == ("orders", "order.placed.v1")


@pytest.mark.parametrize("exchange", ["orders", "payment.retry", "inventory.retry.5s", ""])
def test_only_a_services_own_exchange_is_believed_what_headers_say(exchange: str) -> None:
    """Nobody else may write there: else who may place orders could speak in the name of payment."""
    forged = message(
        exchange,
        "order.placed.v1",
        x_original_exchange="payment",
        x_original_routing_key="payment.refunded.v1",
        x_attempt=99,
    )
    assert origin(forged, inventory_names) == (exchange, "order.placed.v1")
    assert attempts(forged, inventory_names) == 0


def test_a_message_of_our_own_without_headers_came_from_nowhere() -> None:
    """Somebody put it there by hand; its type is unknown, and so it parks."""
    assert origin(message("inventory.retry", "inventory"), inventory_names) == ("", "")


@pytest.mark.parametrize(("header", "counted"), [(None, 0), (0, 0), (2, 2), (-7, 0), ("2", 0), (2.5, 0)])
def test_failures_are_counted_in_a_header_of_our_own(header: object, counted: int) -> None:
    """What is no count of anything is no failure."""
    headers = {} if header is None else {"x_attempt": header}
    assert attempts(message("inventory.retry", "inventory", **headers), inventory_names) == counted


def test_a_span_is_a_child_in_its_parents_trace() -> None:
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    version, trace, span, flags = child_of(parent).split("-")
    assert (version, trace, flags) == ("00", "4bf92f3577b34da6a3ce929d0e0e4736", "01")
    assert span != "00f067aa0ba902b7"


def test_a_span_without_a_parent_begins_a_trace() -> None:
    """One that is taken for valid, and another each time."""
    traces = [understood(root()) for _ in range(2)]
    assert len({str(trace).split("-")[1] for trace in traces}) == 2


def test_what_is_said_names_its_cause_its_saga_and_its_trace() -> None:
    """So that a whole story can be told from the events alone."""
    cause = replace(from_outside(order_placed()), traceparent=root())
    said = enveloped(event := stock_released(), cause, "inventory", passed_on(cause))
    assert (said.source, said.type, said.data) == ("inventory", "stock.released.v1", event)
    assert (said.causationid, said.subject, said.correlationid) == (cause.id, event.saga_id, event.saga_id)
    assert str(said.traceparent).split("-")[1] == str(cause.traceparent).split("-")[1]
    assert enveloped(event, cause, "inventory", passed_on(cause)).id != said.id


STEPS: list[Step] = [step for service in (order, inventory, payment, shipping) for step in service.steps.values()]


@given(strategies.any_event)
def test_the_cause_that_is_stored_with_a_call_is_read_back_whole(said: Event) -> None:
    """By whichever process finishes the call."""
    cause = from_outside(said)
    for step in STEPS:
        if type(said) in step.hears:
            assert read_cause(step, cause.encode().decode()) == cause


def test_a_command_that_is_stored_with_a_call_is_read_back_whole() -> None:
    """It has no wire name of its own but its class's."""
    command = ReleaseStock(order_id=order_placed().order_id)
    declined: Envelope[Message] = from_outside(payment_declined())
    cause = replace(declined, type="ReleaseStock", data=command)
    assert read_cause(inventory.steps["release_stock"], cause.encode().decode()) == cause


def test_every_message_that_a_service_hears_is_about_an_order() -> None:
    """The order is the saga, for commands too."""
    assert all(issubclass(message, AboutOrder) for step in STEPS for message in step.hears)
