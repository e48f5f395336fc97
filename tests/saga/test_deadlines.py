"""An order that isn't fulfilled in time ends wholly undone, whatever it waited for."""

from functools import partial
from uuid import UUID, uuid4

from aio_pika import Message
from aio_pika.abc import AbstractIncomingMessage

from events import OrderPlaced, ShipmentScheduled, StockReserved
from saga.broker import Names
from saga.testing import eventually
from tests.saga.shop import Shop, order_data, order_for

LATE = "deadline_exceeded"
LONG = 3600
"""Seconds. Whoever has so long to be fulfilled is late only when a test says so."""

ENDS = {"pm_card_visa": {"cancelled"}, "pm_card_chargeDeclined": {"cancelled", "rejected"}}
"""How an order may end that was cancelled before its card was tried."""


def due(order: OrderPlaced, seconds: int) -> OrderPlaced:
    return order.model_copy(update={"fulfil_within": seconds})


async def test_orders_that_wait_for_an_absent_participant_past_their_deadline_are_undone_when_it_is_back(
    shop: Shop,
) -> None:
    """Until then only it can say what it has done: they wait as `undoing`, where an operator sees them."""
    await shop.stock_up("LATE", berlin=100)
    late = [due(order_for(sku="LATE", payment_method=card), 1) for card in [*ENDS, "pm_card_visa"] * 7]
    shop.services.stop("payment")
    try:
        for order in late[1:]:
            await shop.publish(order)
        placed = await shop.post("order", "/orders", order_data(late[0]))
        assert placed.json()["fulfil_within"] == 1
        for order in late:
            await shop.eventually(order.order_id, "undoing", LATE)
        waiting = await shop.http.get(shop.services.url("order") + "/orders", params={"status": "undoing"})
        assert {order["order_id"] for order in waiting.json()} >= {str(order.order_id) for order in late}
        assert await shop.available("LATE") == 100 - 2 * len(late)
    finally:
        shop.services.start("payment")
    shop.services.wait("payment")
    await shop.settled()
    for order in late:
        assert (await shop.order(order.order_id))["status"] in ENDS[order.payment_method]
        payment = await shop.get("payment", f"/payments/{order.order_id}")
        assert payment.get("captured", 0) == payment.get("refunded", 0)
    assert await shop.available("LATE") == 100
    assert await shop.unbalanced() == []


async def test_an_order_whose_step_has_parked_is_undone_past_its_deadline(shop: Shop) -> None:
    """Nothing is held for ever; and who replays the letter later changes nothing."""
    await shop.stock_up("PARKED", berlin=2)
    order = due(order_for(sku="PARKED"), 2)
    refusing = f"ALTER TABLE payment ADD CONSTRAINT refusing CHECK (order_id <> '{order.order_id}')"
    await shop.ask("payment", refusing)
    try:
        await shop.publish(order)
        (letter,) = await eventually(partial(_dead_letters, shop, order.order_id))
    finally:
        await shop.ask("payment", "ALTER TABLE payment DROP CONSTRAINT refusing")
    await shop.eventually(order.order_id, "cancelled", LATE)
    again = Message(letter.body, headers=letter.headers, content_type=letter.content_type, message_id=letter.message_id)
    await shop.stage.say_raw(Names("payment").retry_exchange, "payment", again)
    await shop.settled()
    assert await shop.stage.take_dead_letters("payment") == []
    assert (await shop.get("payment", f"/payments/{order.order_id}"))["status"] == 404
    assert (await shop.order(order.order_id))["status"] == "cancelled"
    assert await shop.available("PARKED") == 2
    assert await shop.unbalanced() == []


async def test_an_order_that_is_fulfilled_in_time_stays_so(shop: Shop) -> None:
    order = due(order_for(), LONG)
    await shop.publish(order)
    await shop.eventually(order.order_id, "fulfilled")
    await _time_is_up(shop, order.order_id)
    await _all_late_ones_are_cancelled(shop)
    assert (await shop.order(order.order_id))["status"] == "fulfilled"


async def test_orders_that_were_fulfilled_while_nobody_watched_stay_so(shop: Shop) -> None:
    """The order service is away when their time is up, though the others are not: first it hears what has become."""
    orders = [due(order_for(), LONG) for _ in range(30)]
    stopped = ["payment"]
    shop.services.stop("payment")
    try:
        for order in orders:
            await shop.publish(order)
        for order in orders:
            await shop.stage.hears(StockReserved, order.order_id)
            await shop.eventually(order.order_id, "placed")
        shop.services.stop("order")
        stopped.append("order")
        shop.services.start(stopped.pop(0))
        for order in orders:
            await shop.stage.hears(ShipmentScheduled, order.order_id, within=30)
        await _time_is_up(shop, *(order.order_id for order in orders))
    finally:
        for service in stopped:
            shop.services.start(service)
    shop.services.wait("payment", "order")
    await _all_late_ones_are_cancelled(shop)
    for order in orders:
        await shop.eventually(order.order_id, "fulfilled")


async def _dead_letters(shop: Shop, order_id: UUID) -> list[AbstractIncomingMessage]:
    letters = await shop.stage.take_dead_letters("payment")
    return [letter for letter in letters if str(order_id).encode() in letter.body]


async def _time_is_up(shop: Shop, *orders: UUID) -> None:
    await shop.ask("order", "UPDATE customer_order SET fulfil_by = now() WHERE order_id = ANY ($1)", orders)


async def _all_late_ones_are_cancelled(shop: Shop) -> None:
    """The order service has looked: one that is late and waits for nobody has been cancelled."""
    late = uuid4()
    await shop.ask(
        "order", "INSERT INTO customer_order (order_id, status, fulfil_by) VALUES ($1, 'placed', now())", late
    )
    await shop.eventually(late, "cancelled", LATE)
