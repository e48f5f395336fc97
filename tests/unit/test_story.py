"""How a saga stands is a function of what was heard, and of nothing else."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import bank_transfer, travel_booking
from observer_service.story import Known, Standing, State, stand
from saga.causality import causes_first
from saga.choreography import Choreography
from saga.overhearing import Course, Diverted, Overheard
from tests.component.toy.handlers import toy
from tests.order_saga import ORDER_SAGA
from tests.unit.follower import follower

ORDERS = Choreography.of(ORDER_SAGA)
BANKS = Choreography.of(bank_transfer.SERVICES)
TRIPS = Choreography.of(travel_booking.SERVICES)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
numbers = count()

SAID_BY = {
    "orders": "order",
    "stock": "inventory",
    "order": "order",
    "payment": "payment",
    "shipment": "shipping",
    "transfer": "giro",
    "money": "giro",
    "credit": "savings",
    "debit": "giro",
    "trip": "trips",
    "flight": "flights",
    "hotel": "hotels",
    "car": "cars",
}


def said(*types: str) -> list[Overheard]:
    """Events, a second apart, each caused by the one before it."""
    told: list[Overheard] = []
    for event_type in types:
        cause = told[-1].id if told else None
        told.append(event(event_type, cause, NOON + timedelta(seconds=len(told))))
    return told


def event(event_type: str, cause: str | None = None, at: datetime = NOON) -> Overheard:
    source = SAID_BY[event_type.partition(".")[0]]
    return Overheard(f"e{next(numbers)}", source, f"{event_type}.v1", "s", at, cause, None, source, b"", is_whole=True)


def diverted(told: Overheard, service: str, course: Course, at: datetime) -> Overheard:
    what = Diverted(service, course, at, 3, "RuntimeError", "RuntimeError: broken")
    return Overheard(told.id, told.source, told.type, "s", told.time, None, None, "", b"", is_whole=True, diverted=what)


def standing(*heard: Overheard) -> Standing:
    return stand(ORDERS, Known().hear(heard))


@dataclass(frozen=True)
class Told:
    event_id: str
    causationid: str | None
    time: datetime
    tie: int = 0


PLACED = ("order.placed",)
RESERVED = (*PLACED, "stock.reserved")
CAPTURED = (*RESERVED, "payment.captured")
SCHEDULED = (*CAPTURED, "shipment.scheduled")
DISPATCHED = (*SCHEDULED, "shipment.dispatched")


@pytest.mark.parametrize(
    ("types", "state", "remaining"),
    [
        (PLACED, State.RUNNING, ("inventory.reserve_stock",)),
        (RESERVED, State.RUNNING, ("payment.capture_payment",)),
        (CAPTURED, State.RUNNING, ("shipping.schedule_shipment",)),
        (SCHEDULED, State.SUCCEEDED, ()),
        (DISPATCHED, State.RUNNING, ("inventory.deduct_stock",)),
        ((*DISPATCHED, "stock.deducted"), State.SUCCEEDED, ()),
        ((*PLACED, "stock.rejected"), State.REFUSED, ()),
        ((*RESERVED, "payment.declined"), State.COMPENSATING, ("inventory.release_stock",)),
        ((*RESERVED, "payment.declined", "stock.released"), State.COMPENSATED, ()),
        ((*CAPTURED, "shipment.rejected"), State.COMPENSATING, ("payment.refund_payment",)),
        ((*CAPTURED, "shipment.rejected", "payment.refunded"), State.COMPENSATING, ("inventory.release_stock",)),
        ((*CAPTURED, "shipment.rejected", "payment.refunded", "stock.released"), State.COMPENSATED, ()),
        ((*SCHEDULED, "order.cancelled"), State.COMPENSATING, ("shipping.cancel_shipment",)),
        ((*DISPATCHED, "stock.deducted", "order.cancelled"), State.RUNNING, ("shipping.cancel_shipment",)),
        (
            (*DISPATCHED, "stock.deducted", "order.cancelled", "shipment.cancellation_refused"),
            State.SUCCEEDED,
            (),
        ),
    ],
)
def test_a_saga_stands_where_its_last_events_leave_it(
    types: tuple[str, ...], state: State, remaining: tuple[str, ...]
) -> None:
    """A step is still to be done when its event was heard, and none that it says."""
    told = standing(*said(*types))
    assert (told.state, told.remaining) == (state, remaining)


@pytest.mark.parametrize(
    ("types", "state"),
    [
        (SCHEDULED, State.SUCCEEDED),
        (
            (*SCHEDULED, "order.cancelled", "shipment.cancelled", "payment.refunded", "stock.released"),
            State.COMPENSATED,
        ),
    ],
)
def test_nobody_waits_for_a_step_that_says_nothing(types: tuple[str, ...], state: State) -> None:
    told = stand(Choreography.of([*ORDER_SAGA, follower]), Known().hear(said(*types)))
    assert (told.state, told.remaining) == (state, ())


def test_a_cancellation_that_overtakes_everything_ends_the_saga_all_the_same() -> None:
    """The fence lets no step in whose undo has spoken: nobody waits for it, whatever is heard later."""
    undone = said("order.cancelled", "shipment.cancelled", "payment.refunded", "stock.released")
    assert standing(*undone).state is State.COMPENSATED
    assert standing(*undone, event("order.placed")).state is State.COMPENSATED
    assert standing(*undone, *said("stock.reserved", "payment.captured")).state is State.COMPENSATED


def test_the_step_that_was_waited_for_the_longest_comes_first() -> None:
    """And since when: since the event that it goes on from."""
    placed, later = event("order.placed", at=NOON), event("order.cancelled", at=NOON + timedelta(seconds=9))
    told = standing(later, placed)
    assert told.remaining == ("inventory.reserve_stock", "shipping.cancel_shipment")
    assert told.since == NOON


def test_a_message_that_parked_makes_a_saga_stuck_until_it_is_given_back() -> None:
    """It waits for the step that could not handle it, and the reason is told."""
    placed = event("order.placed")
    parked = diverted(placed, "inventory", Course.PARKED, NOON + timedelta(seconds=5))
    told = standing(placed, parked)
    assert (told.state, told.waits_for, told.reason) == (State.STUCK, "inventory.reserve_stock", "parked")
    assert told.detail == "RuntimeError: broken"
    replayed = diverted(placed, "inventory", Course.REPLAYED, NOON + timedelta(seconds=9))
    assert standing(placed, parked, replayed).state is State.RUNNING
    again = diverted(placed, "inventory", Course.PARKED, NOON + timedelta(seconds=11))
    assert standing(placed, parked, replayed, again).state is State.STUCK


def test_a_saga_whose_first_message_was_thrown_away_is_refused() -> None:
    """Nobody has done anything, and nobody will."""
    placed = event("order.placed")
    parked = diverted(placed, "inventory", Course.PARKED, NOON)
    discarded = diverted(placed, "inventory", Course.DISCARDED, NOON + timedelta(seconds=1))
    assert standing(discarded, placed, parked) == Standing(State.REFUSED)


def test_a_saga_that_lost_a_message_halfway_stays_stuck() -> None:
    """Something was done, and is neither finished nor undone: a person has to see to it."""
    told = said(*RESERVED)
    parked = diverted(told[1], "payment", Course.PARKED, NOON)
    discarded = diverted(told[1], "payment", Course.DISCARDED, NOON + timedelta(seconds=1))
    stuck = standing(*told, parked, discarded)
    assert (stuck.state, stuck.reason, stuck.waits_for) == (State.STUCK, "discarded", "payment.capture_payment")
    undone = said("order.cancelled", "shipment.cancelled", "payment.refunded", "stock.released")
    assert standing(*told, parked, discarded, *undone).state is State.COMPENSATED


def test_who_only_listens_can_make_a_saga_stuck_as_well() -> None:
    """The saga doesn't wait for it; but somebody has missed what happened."""
    told = said(*SCHEDULED)
    parked = diverted(told[3], "order", Course.PARKED, NOON)
    assert (standing(*told, parked).state, standing(*told, parked).waits_for) == (State.STUCK, "order.follow_order")


def test_a_parked_message_is_forgotten_when_its_step_was_done_by_other_means() -> None:
    """A person has refused for it: the step has answered, and won't be let in again."""
    told = said(*RESERVED)
    parked = diverted(told[1], "payment", Course.PARKED, NOON)
    assert standing(*told, parked).state is State.STUCK
    refused = event("payment.declined", told[1].id, NOON + timedelta(seconds=9))
    assert standing(*told, parked, refused).state is State.COMPENSATING


def test_retries_don_t_change_where_a_saga_stands() -> None:
    placed = event("order.placed")
    retried = diverted(placed, "inventory", Course.RETRIED, NOON)
    assert standing(placed, retried) == standing(placed)


def test_any_saga_of_the_runtime_is_understood_by_its_declarations() -> None:
    """Nothing here knows of orders."""
    toys = Choreography.of([toy])
    told = [
        Overheard("1", "somebody", "toy.wanted.v1", "s", NOON, None, None, "", b"", is_whole=True),
        Overheard("2", "toy", "toy.done.v1", "s", NOON, "1", None, "", b"", is_whole=True),
    ]
    assert stand(toys, Known().hear(told[:1])).remaining == ("toy.do",)
    assert stand(toys, Known().hear(told)).state is State.SUCCEEDED
    unwanted = Overheard("3", "somebody", "toy.unwanted.v1", "s", NOON, None, None, "", b"", is_whole=True)
    assert stand(toys, Known().hear([*told, unwanted])).state is State.COMPENSATING


STORY = said(*CAPTURED, "shipment.rejected", "payment.refunded", "stock.released")
STORY += [
    diverted(STORY[1], "payment", Course.PARKED, NOON + timedelta(seconds=7)),
    diverted(STORY[1], "payment", Course.REPLAYED, NOON + timedelta(seconds=8)),
    diverted(STORY[2], "order", Course.PARKED, NOON + timedelta(seconds=9)),
]


@given(st.permutations(STORY), st.lists(st.sampled_from(STORY)))
def test_the_order_in_which_it_was_heard_makes_no_difference(shuffled: list[Overheard], again: list[Overheard]) -> None:
    """Nor does it matter how often, or in how many batches, or that it was stored in between."""
    known = Known()
    for one in [*shuffled, *again]:
        known = Known.decode(known.hear([one]).encode())
    at_once = Known().hear(STORY)
    assert (known.facts, known.letters) == (at_once.facts, at_once.letters)
    assert stand(ORDERS, known) == stand(ORDERS, at_once)


def test_a_pivot_that_refuses_has_not_passed() -> None:
    """What was done before it is undone after all."""
    refused = said("transfer.ordered", "money.debited", "credit.refused")
    undoing = Standing(State.COMPENSATING, ("giro.reverse_debit",), refused[-1].time)
    assert stand(BANKS, Known().hear(refused)) == undoing
    undone = [*refused, event("debit.reversed", refused[-1].id)]
    assert stand(BANKS, Known().hear(undone)) == Standing(State.COMPENSATED)


def test_a_step_that_joins_several_facts_is_due_when_all_of_them_are_there() -> None:
    requested, flight, hotel = said("trip.requested", "flight.booked", "hotel.booked")
    car = event("car.booked", requested.id, NOON + timedelta(seconds=9))
    booking = stand(TRIPS, Known().hear([requested, flight, hotel]))
    assert booking == Standing(State.RUNNING, ("cars.book_car",), requested.time)
    joining = stand(TRIPS, Known().hear([requested, flight, hotel, car]))
    assert joining == Standing(State.RUNNING, ("trips.confirm_trip",), car.time)


def test_causes_come_before_effects_whatever_the_clocks_say() -> None:
    """The clocks of services differ. Without a word on the cause, time decides."""
    first = Told("first", None, NOON)
    second = Told("second", "first", NOON - timedelta(seconds=3))
    third = Told("third", "second", NOON - timedelta(seconds=1))
    for told in permutations([first, second, third]):
        assert causes_first(told) == [first, second, third]
