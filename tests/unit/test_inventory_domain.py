"""An order's pieces come from one warehouse if they can, from several if they must, and all of them or none."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events import Line, Message, OrderPlaced, Outcome, StockRejected, StockReserved
from inventory_service.domain import Shelf, reserve, why_released
from inventory_service.handlers import ReleaseStock
from tests.builders import line, order_placed, payment_declined, payment_refunded
from tests.unit.strategies import orders_lines

Places = dict[tuple[str, str], int]


def reserved(order: OrderPlaced, places: Places) -> dict[tuple[str, str], int]:
    """What is taken from where."""
    answer = reserve(order, Shelf(places))
    assert isinstance(answer, StockReserved)
    return {(taken.sku, taken.warehouse): taken.quantity for taken in answer.allocations}


def rejected(order: OrderPlaced, places: Places) -> StockRejected:
    shelf = Shelf(places)
    answer = reserve(order, shelf)
    assert isinstance(answer, StockRejected)
    left = {(sku, warehouse): shelf.pieces(sku, warehouse) for sku, warehouse in places}
    assert left == places, "nothing is taken for an order that is rejected"
    return answer


def test_one_warehouse_that_can_serve_the_whole_order_serves_it() -> None:
    """Even if another has more of one thing: one parcel is better than two."""
    order = order_placed(lines=[line("CHAIR", 2), line("LAMP", 3)])
    places = {("CHAIR", "berlin"): 900, ("CHAIR", "leipzig"): 2, ("LAMP", "berlin"): 2, ("LAMP", "leipzig"): 3}
    assert reserved(order, places) == {("CHAIR", "leipzig"): 2, ("LAMP", "leipzig"): 3}


def test_an_order_that_no_warehouse_can_serve_alone_is_split() -> None:
    """What the best one lacks comes from the others."""
    places = {("CHAIR", "berlin"): 3, ("CHAIR", "leipzig"): 5, ("CHAIR", "munich"): 1}
    assert reserved(order_placed(lines=[line("CHAIR", 7)]), places) == {
        ("CHAIR", "leipzig"): 5,
        ("CHAIR", "berlin"): 2,
    }


def test_each_line_may_come_from_another_warehouse() -> None:
    order = order_placed(lines=[line("CHAIR", 1), line("LAMP", 2)])
    assert reserved(order, {("CHAIR", "berlin"): 1, ("LAMP", "leipzig"): 2}) == {
        ("CHAIR", "berlin"): 1,
        ("LAMP", "leipzig"): 2,
    }


def test_one_line_too_many_and_nothing_is_reserved() -> None:
    """All or nothing; the answer names what was short, and how much of it there is everywhere."""
    order = order_placed(lines=[line("LAMP", 1), line("CHAIR", 9)])
    answer = rejected(order, {("LAMP", "berlin"): 5, ("CHAIR", "berlin"): 4, ("CHAIR", "leipzig"): 4})
    assert (answer.order_id, answer.reason) == (order.order_id, "out_of_stock")
    assert [short.model_dump() for short in answer.shortages] == [{"sku": "CHAIR", "requested": 9, "available": 8}]
    assert answer.detail == "wanted 9 CHAIR of 8 available"


def test_a_sku_that_was_sold_out_is_out_of_stock() -> None:
    """It has a place, with nothing in it."""
    assert rejected(order_placed(lines=[line("SOFA", 1)]), {("SOFA", "berlin"): 0}).reason == "out_of_stock"


def test_a_sku_that_has_no_place_is_unknown() -> None:
    """It is told as unknown, also where another line is merely short."""
    order = order_placed(lines=[line("CHAIR", 9), line("UNICORN", 1)])
    answer = rejected(order, {("CHAIR", "berlin"): 1})
    assert (answer.reason, answer.detail) == ("unknown_sku", "no warehouse has ever had UNICORN")
    assert {short.sku: short.available for short in answer.shortages} == {"CHAIR": 1, "UNICORN": 0}


def test_orders_of_one_batch_deplete_one_shelf() -> None:
    """The first come are served; who comes too late leaves the rest to the next."""
    shelf = Shelf({("CHAIR", "berlin"): 5})
    answers = [reserve(order_placed(lines=[line("CHAIR", wanted)]), shelf) for wanted in (3, 3, 2, 1)]
    assert [type(answer) for answer in answers] == [StockReserved, StockRejected, StockReserved, StockRejected]
    assert shelf.pieces("CHAIR") == 0


def test_what_the_next_steps_need_is_said_with_the_reservation() -> None:
    """Payment and shipping ask nobody."""
    order = order_placed(lines=[line("CHAIR", 2, 4990)])
    answer = reserve(order, Shelf({("CHAIR", "berlin"): 2}))
    assert isinstance(answer, StockReserved)
    assert (answer.amount, answer.currency, answer.payment_method) == (9980, "EUR", "pm_card_visa")
    assert (answer.customer_id, answer.ship_to, answer.order_id) == (order.customer_id, order.ship_to, order.order_id)


_skus = st.sampled_from(["A", "B", "C"])
_places = st.dictionaries(st.tuples(_skus, st.sampled_from(["x", "y", "z"])), st.integers(0, 9), max_size=9)
_lines = st.lists(
    st.builds(Line, sku=_skus, quantity=st.integers(1, 12), unit_price=st.just(1)),
    min_size=1,
    max_size=3,
    unique_by=lambda line: line.sku,
)


@given(_places, st.lists(_lines, min_size=1, max_size=5))
def test_whatever_is_ordered_the_books_are_right(places: Places, orders: list[list[Line]]) -> None:
    """Never more is taken than there is, allocations sum to the lines, and no place is named twice."""
    shelf = Shelf(places)
    taken: Counter[tuple[str, str]] = Counter()
    for lines in orders:
        answer = reserve(order_placed(lines=lines), shelf)
        if isinstance(answer, StockRejected):
            continue
        named = [(allocation.sku, allocation.warehouse) for allocation in answer.allocations]
        assert len(named) == len(set(named))
        by_sku: Counter[str] = Counter()
        for allocation in answer.allocations:
            by_sku[allocation.sku] += allocation.quantity
            taken[allocation.sku, allocation.warehouse] += allocation.quantity
        assert by_sku == {line.sku: line.quantity for line in lines}
    for place, pieces in places.items():
        assert 0 <= taken[place] <= pieces
        assert shelf.pieces(*place) == pieces - taken[place]
    assert taken.keys() <= places.keys()


@given(_places, _lines)
def test_an_order_is_rejected_only_if_it_cannot_be_served(places: Places, lines: list[Line]) -> None:
    """Which is if, and only if, all warehouses together lack something."""
    together: Counter[str] = Counter()
    for (sku, _), pieces in places.items():
        together[sku] += pieces
    answer = reserve(order_placed(lines=lines), Shelf(places))
    assert isinstance(answer, StockReserved) == all(together[line.sku] >= line.quantity for line in lines)


@given(_places, _lines)
def test_an_order_is_split_only_if_no_warehouse_could_serve_it(places: Places, lines: list[Line]) -> None:
    """Here one could, whatever the others have."""
    places |= {(line.sku, "able"): line.quantity for line in lines}
    assert len({warehouse for _, warehouse in reserved(order_placed(lines=lines), places)}) == 1


@given(orders_lines)
def test_every_valid_order_can_be_answered(lines: list[Line]) -> None:
    """The refusal of the largest one still is a valid event."""
    assert rejected(order_placed(lines=lines), {}).reason == "unknown_sku"
    shelf = {(line.sku, "berlin"): line.quantity - 1 for line in lines}
    assert len(rejected(order_placed(lines=lines), shelf).shortages) == len(lines)


LOST: dict[str, tuple[Message, tuple[Outcome, str]]] = {
    "payment declined": (payment_declined(reason="card_declined"), (Outcome.REJECTED, "card_declined")),
    "shipping refused": (
        payment_refunded(outcome=Outcome.REJECTED, reason="destination_not_served"),
        (Outcome.REJECTED, "destination_not_served"),
    ),
    "somebody cancelled": (
        payment_refunded(outcome=Outcome.CANCELLED, reason="changed_my_mind"),
        (Outcome.CANCELLED, "changed_my_mind"),
    ),
    "somebody at the API": (
        ReleaseStock(order_id=order_placed().order_id),
        (Outcome.CANCELLED, "released at inventory's own door"),
    ),
}


@pytest.mark.parametrize(("lost", "expected"), LOST.values(), ids=LOST)
def test_why_stock_is_released_is_told_on(lost: Message, expected: tuple[Outcome, str]) -> None:
    """The last word of the story says how it ends."""
    assert why_released(lost, rejected=None) == expected


@pytest.mark.parametrize("lost", [lost for lost, _ in LOST.values()], ids=LOST)
def test_an_order_that_inventory_rejected_is_rejected_for_that_whatever_undoes_it(lost: Message) -> None:
    """Both of inventory's words about the order agree, so it doesn't matter which is heard first."""
    assert why_released(lost, rejected="out_of_stock") == (Outcome.REJECTED, "out_of_stock")
