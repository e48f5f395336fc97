"""An order's status is what the facts say, in whatever order they come."""

from collections.abc import Sequence
from functools import reduce
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events import Event, Outcome, StockReleased
from order_service.domain import FINAL, Progress, Status, hear
from tests.builders import (
    order_cancelled,
    order_placed,
    payment_captured,
    payment_declined,
    payment_refunded,
    shipment_cancellation_refused,
    shipment_cancelled,
    shipment_dispatched,
    shipment_rejected,
    shipment_scheduled,
    stock_deducted,
    stock_rejected,
    stock_released,
    stock_reserved,
)
from tests.unit.strategies import EVENTS

Story = Sequence[Event]
REFUNDED_BY_HAND = "refunded at payment's own door"

placed, reserved, captured, scheduled = order_placed(), stock_reserved(), payment_captured(), shipment_scheduled()
way_there = (placed, reserved, captured, scheduled)
cancelled = order_cancelled(reason="changed_my_mind")


def undone(outcome: Outcome, reason: str) -> Story:
    """The way back from shipping on."""
    return (payment_refunded(outcome=outcome, reason=reason), stock_released(outcome=outcome, reason=reason))


way_back = (shipment_cancelled(reason=cancelled.reason), *undone(Outcome.CANCELLED, cancelled.reason))
too_late = order_cancelled(reason="deadline_exceeded")
late_way_back = (shipment_cancelled(reason=too_late.reason), *undone(Outcome.CANCELLED, too_late.reason))
not_served = (
    placed,
    reserved,
    captured,
    shipment_rejected(reason="destination_not_served"),
    *undone(Outcome.REJECTED, "destination_not_served"),
)
declined = (
    placed,
    reserved,
    payment_declined(reason="insufficient_funds"),
    stock_released(outcome=Outcome.REJECTED, reason="insufficient_funds"),
)

STORIES: dict[str, tuple[Story, Status, str | None]] = {
    "only placed": ((placed,), Status.PLACED, None),
    "under way": ((placed, reserved, captured), Status.PLACED, None),
    "fulfilled": (way_there, Status.FULFILLED, None),
    "dispatched": ((*way_there, shipment_dispatched(), stock_deducted()), Status.FULFILLED, None),
    "out of stock": ((placed, stock_rejected(reason="out_of_stock")), Status.REJECTED, "out_of_stock"),
    "unknown sku": ((placed, stock_rejected(reason="unknown_sku")), Status.REJECTED, "unknown_sku"),
    "card declined": (declined, Status.REJECTED, "insufficient_funds"),
    "not yet released": (declined[:-1], Status.UNDOING, "insufficient_funds"),
    "destination not served": (not_served, Status.REJECTED, "destination_not_served"),
    "not yet refunded": (not_served[:-2], Status.UNDOING, "destination_not_served"),
    "cancelled in time": ((*way_there, cancelled, *way_back), Status.CANCELLED, "changed_my_mind"),
    "cancelled under way": ((placed, reserved, cancelled, *way_back), Status.CANCELLED, "changed_my_mind"),
    "cancelled at once": ((placed, cancelled, *way_back), Status.CANCELLED, "changed_my_mind"),
    "cancelled by nobody's order": ((cancelled, *way_back), Status.CANCELLED, "changed_my_mind"),
    "being cancelled": ((*way_there, cancelled), Status.UNDOING, "changed_my_mind"),
    "cancelled at shipping's door": ((*way_there, *way_back), Status.CANCELLED, "changed_my_mind"),
    "cancelled too late": (
        (*way_there, shipment_dispatched(), cancelled, shipment_cancellation_refused()),
        Status.FULFILLED,
        "already_dispatched",
    ),
    "past its deadline": ((placed, reserved, too_late, *late_way_back), Status.CANCELLED, "deadline_exceeded"),
    "past its deadline, waiting for who is away": ((placed, reserved, too_late), Status.UNDOING, "deadline_exceeded"),
    "past its deadline though declined": (
        (*declined, too_late, shipment_cancelled(reason="deadline_exceeded"), payment_refunded()),
        Status.REJECTED,
        "insufficient_funds",
    ),
    "refunded by hand": (
        (*way_there, *undone(Outcome.CANCELLED, REFUNDED_BY_HAND)),
        Status.CANCELLED,
        REFUNDED_BY_HAND,
    ),
    "cancelled though out of stock": (
        (
            placed,
            stock_rejected(reason="out_of_stock"),
            cancelled,
            *way_back[:-1],
            stock_released(outcome=Outcome.REJECTED, reason="out_of_stock"),
        ),
        Status.REJECTED,
        "out_of_stock",
    ),
    "cancelled though declined": (
        (*declined, cancelled, shipment_cancelled(reason="changed_my_mind"), payment_refunded()),
        Status.REJECTED,
        "insufficient_funds",
    ),
    "cancelled though not served": (
        (*not_served, cancelled, shipment_cancelled(reason="changed_my_mind")),
        Status.REJECTED,
        "destination_not_served",
    ),
}
stories = pytest.mark.parametrize(("story", "status", "reason"), STORIES.values(), ids=STORIES)


def told(facts: Story) -> tuple[Status, str | None]:
    progress = reduce(hear, facts, Progress())
    return progress.status, progress.reason


@stories
def test_every_story_ends_as_the_contract_says(story: Story, status: Status, reason: str | None) -> None:
    assert told(story) == (status, reason)


@stories
def test_facts_in_any_order_end_alike(story: Story, status: Status, reason: str | None) -> None:
    """They come from four exchanges, and after retries: no order of theirs can be relied upon.

    Facts that change nothing by themselves are few enough to leave in where the story is short.
    """
    quiet = {placed, reserved, captured} if len(story) > 5 else set()
    facts = [fact for fact in story if fact not in quiet]
    assert {told(shuffled) for shuffled in permutations(facts)} == {(status, reason)}


@given(st.data())
def test_facts_in_any_order_and_often_end_alike(data: st.DataObject) -> None:
    """A fact that is heard again says nothing new, wherever it comes."""
    story, status, reason = data.draw(st.sampled_from(list(STORIES.values())))
    repeated = data.draw(st.lists(st.sampled_from(story), max_size=4))
    assert told(data.draw(st.permutations([*story, *repeated]))) == (status, reason)


def test_an_order_that_has_left_is_fulfilled_whatever_cancellation_is_under_way() -> None:
    """The parcels are gone: nothing will be undone, though the refusal has yet to be heard."""
    facts = (captured, scheduled, shipment_dispatched(), cancelled)
    assert {told(shuffled)[0] for shuffled in permutations(facts)} == {Status.FULFILLED}


def test_a_release_without_a_reason_leaves_the_one_that_is_known() -> None:
    """It may be left out by whoever releases."""
    facts = (placed, payment_declined(reason="card_declined"), stock_released(outcome=Outcome.REJECTED))
    assert told(facts) == (Status.REJECTED, "card_declined")


FACTS: Story = (
    *way_there,
    cancelled,
    stock_rejected(),
    stock_released(reason="released"),
    stock_deducted(),
    payment_declined(),
    payment_refunded(),
    shipment_rejected(),
    shipment_dispatched(),
    shipment_cancelled(),
    shipment_cancellation_refused(),
)
any_fact = st.sampled_from(FACTS)


def test_no_event_is_forgotten_here() -> None:
    """Whoever adds an event to the language decides what an order's status makes of it."""
    assert {type(fact) for fact in FACTS} == set(EVENTS)


@given(st.lists(any_fact, max_size=6), any_fact)
def test_what_is_final_stays(before: list[Event], one_more: Event) -> None:
    """Whatever comes after it, possible or not."""
    progress = reduce(hear, before, Progress())
    after = hear(progress, one_more)
    if progress.status in FINAL:
        assert (after.status, after.reason) == (progress.status, progress.reason)


@given(st.lists(any_fact, max_size=6))
def test_everything_that_was_heard_is_remembered(facts: list[Event]) -> None:
    """Also after the end: the customer sees all of it."""
    assert reduce(hear, facts, Progress()).heard == {fact.event_type for fact in facts}


@given(st.lists(any_fact, max_size=6))
def test_an_order_is_wholly_undone_only_if_inventory_said_so(facts: list[Event]) -> None:
    """`rejected` and `cancelled` promise that nothing is held any more."""
    ended = any(fact.event_type in {"stock.rejected.v1", StockReleased.event_type} for fact in facts)
    assert (reduce(hear, facts, Progress()).status in FINAL) == ended
