"""What the four services declare is the saga of the design, no more and no less."""

import pytest

from events import Event
from inventory_service.handlers import inventory
from order_service.handlers import order
from payment_service.handlers import payment
from saga import Command, Kind, Service
from shipping_service.handlers import shipping

Row = tuple[Service, str, set[str], set[str], Kind, str | None]

# service, step, what it hears (commands by their names), what it says, kind, which step it undoes
TABLE: list[Row] = [
    (order, "place_order", {"PlaceOrder"}, {"order.placed.v1"}, Kind.ENTRY, None),
    (order, "cancel_order", {"CancelOrder"}, {"order.cancelled.v1"}, Kind.ENTRY, None),
    (
        inventory,
        "reserve_stock",
        {"order.placed.v1"},
        {"stock.reserved.v1", "stock.rejected.v1"},
        Kind.COMPENSATABLE,
        None,
    ),
    (
        payment,
        "capture_payment",
        {"stock.reserved.v1"},
        {"payment.captured.v1", "payment.declined.v1"},
        Kind.COMPENSATABLE,
        None,
    ),
    (
        shipping,
        "schedule_shipment",
        {"payment.captured.v1"},
        {"shipment.scheduled.v1", "shipment.rejected.v1"},
        Kind.COMPENSATABLE,
        None,
    ),
    (shipping, "dispatch_shipment", {"Dispatch"}, {"shipment.dispatched.v1"}, Kind.PIVOT, None),
    (inventory, "deduct_stock", {"shipment.dispatched.v1"}, {"stock.deducted.v1"}, Kind.RETRIABLE, None),
    (
        shipping,
        "cancel_shipment",
        {"order.cancelled.v1", "CancelShipment"},
        {"shipment.cancelled.v1", "shipment.cancellation_refused.v1"},
        Kind.COMPENSATION,
        "schedule_shipment",
    ),
    (
        payment,
        "refund_payment",
        {"shipment.rejected.v1", "shipment.cancelled.v1", "RefundPayment"},
        {"payment.refunded.v1"},
        Kind.COMPENSATION,
        "capture_payment",
    ),
    (
        inventory,
        "release_stock",
        {"payment.declined.v1", "payment.refunded.v1", "ReleaseStock"},
        {"stock.released.v1"},
        Kind.COMPENSATION,
        "reserve_stock",
    ),
]
SERVICES = [order, inventory, payment, shipping]


def wire_name(message: type) -> str:
    return str(message.event_type) if issubclass(message, Event) else message.__name__


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0].name} {row[1]}")
def test_each_step_hears_says_and_undoes_what_the_design_says(row: Row) -> None:
    service, name, hears, says, kind, undoes = row
    step = service.steps[name]
    assert {wire_name(message) for message in step.hears} == hears
    assert {event.event_type for event in service.said_by(step)} == says
    assert step.kind is kind
    assert (step.undoes.name if step.undoes else None) == undoes


def test_there_are_no_other_steps() -> None:
    """But two that listen: one keeps the status of orders, one notes which payments nobody will ask back."""
    declared = {(service.name, step) for service in SERVICES for step in service.steps}
    assert declared == {(row[0].name, row[1]) for row in TABLE} | {
        ("order", "follow_order"),
        ("payment", "close_payment"),
    }


def test_the_order_service_follows_everything_and_steers_nothing() -> None:
    """No coordinator: the saga doesn't depend on who keeps the status."""
    follow = order.steps["follow_order"]
    everything = {event for service in SERVICES for event in service.said}
    assert set(follow.hears) == everything
    assert (follow.kind, order.said_by(follow)) == (Kind.LISTENER, ())


def test_every_service_says_its_own_events_only() -> None:
    """At its own exchange, where nobody else may publish; only the order service is a front door."""
    for service in SERVICES:
        assert {event.exchange for event in service.said} == {service.exchange}
    assert {service.name: service.exchange for service in SERVICES if service.front_door} == {"order": "orders"}


def test_every_event_has_one_speaker() -> None:
    said = [event for service in SERVICES for event in service.said]
    assert len(said) == len(set(said))


def test_whatever_is_heard_is_said_by_somebody() -> None:
    said = {event for service in SERVICES for event in service.said}
    assert {event for service in SERVICES for event in service.heard} <= said


def test_every_compensatable_step_has_one_that_undoes_it() -> None:
    steps = [step for service in SERVICES for step in service.steps.values()]
    undone = [step.undoes for step in steps if step.undoes]
    assert {step.name for step in steps if step.kind is Kind.COMPENSATABLE} == {step.name for step in undone}
    assert len(undone) == len(set(undone))


def test_undoing_runs_strictly_backwards() -> None:
    """The undo of a step causes the undo of the step before it, so that no circle can form."""
    forwards = [payment.steps["capture_payment"], shipping.steps["schedule_shipment"]]
    for step, undo, before in (
        (forwards[1], shipping.steps["cancel_shipment"], payment.steps["refund_payment"]),
        (forwards[0], payment.steps["refund_payment"], inventory.steps["release_stock"]),
    ):
        assert undo.undoes is step
        service = shipping if step is forwards[1] else payment
        announced = {event for event in service.said_by(undo) if "refused" not in event.event_type}
        assert announced <= set(before.hears)
    assert not {event for service in SERVICES for event in service.heard if service is not order} & set(
        inventory.said_by(inventory.steps["release_stock"])
    )


def test_commands_come_through_a_services_own_door_only() -> None:
    """Two services may call theirs alike; none is ever bound to a queue."""
    for service in SERVICES:
        assert not any(issubclass(event, Command) for event in service.heard)
