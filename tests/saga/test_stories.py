"""What can happen to an order, from the door to its end, over four processes."""

import asyncio
import random

import pytest

from events import (
    OrderCancelled,
    ShipmentDispatched,
    ShipmentScheduled,
    StockDeducted,
    StockReleased,
    StockReserved,
)
from tests.saga.shop import Shop, order_for


async def test_an_order_is_fulfilled(shop: Shop) -> None:
    """Stock is reserved, money captured, a carrier booked: each once."""
    order = order_for(quantity=2, unit_price=4990)
    await shop.publish(order)
    await shop.eventually(order.order_id, "fulfilled")
    payment = await shop.get("payment", f"/payments/{order.order_id}")
    shipment = await shop.get("shipping", f"/shipments/{order.order_id}")
    assert (payment["status"], payment["captured"], payment["refunded"]) == ("captured", 9980, 0)
    assert (shipment["status"], len(shipment["parcels"])) == ("scheduled", 1)


async def test_an_order_that_no_warehouse_can_serve_alone_is_split(shop: Shop) -> None:
    """One parcel per warehouse."""
    await shop.stock_up("SPLIT-ME", berlin=3, leipzig=3)
    order = order_for(sku="SPLIT-ME", quantity=5)
    await shop.publish(order)
    await shop.eventually(order.order_id, "fulfilled")
    shipment = await shop.get("shipping", f"/shipments/{order.order_id}")
    assert [parcel["warehouse"] for parcel in shipment["parcels"]] == ["berlin", "leipzig"]
    assert await shop.available("SPLIT-ME") == 1


@pytest.mark.parametrize(
    ("sku", "reason"), [("SOFA", "out_of_stock"), ("UNICORN", "unknown_sku")], ids=["out of stock", "unknown"]
)
async def test_an_order_without_stock_is_rejected(shop: Shop, sku: str, reason: str) -> None:
    """Nothing is held, and nobody is asked for money."""
    order = order_for(sku=sku)
    await shop.publish(order)
    await shop.eventually(order.order_id, "rejected", reason)
    assert (await shop.get("payment", f"/payments/{order.order_id}"))["status"] == 404


@pytest.mark.parametrize(
    ("payment_method", "reason"),
    [
        ("pm_card_chargeDeclined", "card_declined"),
        ("pm_card_chargeDeclinedInsufficientFunds", "insufficient_funds"),
    ],
)
async def test_a_declined_card_gives_the_stock_back(shop: Shop, payment_method: str, reason: str) -> None:
    """Inventory compensates its reservation when payment refuses."""
    await shop.stock_up(f"SKU-{reason}", berlin=2)
    order = order_for(sku=f"SKU-{reason}", payment_method=payment_method)
    await shop.publish(order)
    await shop.eventually(order.order_id, "rejected", reason)
    assert await shop.available(f"SKU-{reason}") == 2


async def test_an_unserved_destination_gives_money_and_stock_back(shop: Shop) -> None:
    """Payment and inventory compensate, in this order, when shipping refuses."""
    await shop.stock_up("TO-ANTARCTICA", berlin=2)
    order = order_for(sku="TO-ANTARCTICA", country="AQ")
    await shop.publish(order)
    await shop.eventually(order.order_id, "rejected", "destination_not_served")
    payment = await shop.get("payment", f"/payments/{order.order_id}")
    assert (payment["status"], payment["captured"] - payment["refunded"]) == ("refunded", 0)
    assert await shop.available("TO-ANTARCTICA") == 2
    assert shop.stage.types_of(order.order_id)[-3:] == [
        "shipment.rejected.v1",
        "payment.refunded.v1",
        "stock.released.v1",
    ]


async def test_a_cancellation_that_comes_first_blocks_the_order(shop: Shop) -> None:
    """Whatever is done for the order is undone, and the end of the story is heard once."""
    order = order_for()
    await shop.publish(OrderCancelled(order_id=order.order_id, reason="ordered by mistake"))
    await shop.stage.hears(StockReleased, order.order_id)
    await shop.publish(order)
    await shop.settled()
    known = await shop.eventually(order.order_id, "cancelled", "ordered by mistake")
    assert "stock.reserved.v1" not in known["heard"]
    assert shop.stage.types_of(order.order_id).count("stock.released.v1") == 1


async def test_a_cancellation_before_dispatch_undoes_everything(shop: Shop) -> None:
    """Booking, money and stock go back, strictly backwards."""
    await shop.stock_up("CANCEL-ME", berlin=2)
    order = order_for(sku="CANCEL-ME")
    await shop.publish(order)
    await shop.eventually(order.order_id, "fulfilled")
    await shop.publish(OrderCancelled(order_id=order.order_id, reason="changed my mind"))
    await shop.eventually(order.order_id, "cancelled", "changed my mind")
    assert (await shop.get("shipping", f"/shipments/{order.order_id}"))["status"] == "cancelled"
    assert (await shop.get("payment", f"/payments/{order.order_id}"))["status"] == "refunded"
    assert await shop.available("CANCEL-ME") == 2


async def test_dispatch_is_the_point_of_no_return(shop: Shop) -> None:
    """Afterwards the pieces leave the shelf, and a cancellation is refused."""
    await shop.stock_up("DISPATCH-ME", berlin=2)
    order = order_for(sku="DISPATCH-ME")
    await shop.publish(order)
    await shop.eventually(order.order_id, "fulfilled")
    assert (await shop.post("shipping", f"/shipments/{order.order_id}/dispatch")).json()["status"] == "dispatched"
    await shop.stage.hears(StockDeducted, order.order_id)
    await shop.publish(OrderCancelled(order_id=order.order_id))
    await shop.eventually(order.order_id, "fulfilled", "already_dispatched")
    stock = await shop.get("inventory", "/stock/DISPATCH-ME")
    assert (stock["on_hand"], stock["reserved"]) == (0, 0)


async def test_cancellations_at_any_moment_undo_all_or_nothing(shop: Shop) -> None:
    """60 orders, each cancelled or dispatched after a random moment: afterwards the books balance."""
    dice = random.Random(11)

    async def live_through(_: int) -> None:
        order = order_for(country=dice.choice(["GB", "GB", "AQ"]))
        moment = dice.uniform(0, 0.15)
        await shop.publish(order)
        await asyncio.sleep(moment)
        if dice.random() < 0.3:
            await shop.post("shipping", f"/shipments/{order.order_id}/dispatch")
        await shop.publish(OrderCancelled(order_id=order.order_id))

    await asyncio.gather(*map(live_through, range(60)))
    await shop.settled()
    assert await shop.unbalanced() == []


async def test_a_stopped_participant_holds_up_only_its_own_step(shop: Shop) -> None:
    """Without payment the others go on: stock is reserved. When it returns, the order resumes."""
    shop.services.stop("payment")
    order = order_for()
    try:
        await shop.publish(order)
        await shop.stage.hears(StockReserved, order.order_id)
        await shop.eventually(order.order_id, "placed")
    finally:
        shop.services.start("payment")
    await shop.stage.hears(ShipmentScheduled, order.order_id, within=30)
    await shop.eventually(order.order_id, "fulfilled")
    shop.services.wait("payment")


async def test_asking_twice_at_a_door_does_it_once(shop: Shop) -> None:
    """Dispatch, refund, release and cancel are idempotent."""
    order = order_for()
    await shop.publish(order)
    await shop.eventually(order.order_id, "fulfilled")
    for _ in range(2):
        assert (await shop.post("shipping", f"/shipments/{order.order_id}/dispatch")).status_code == 200
    await shop.settled()
    assert shop.stage.types_of(order.order_id).count(ShipmentDispatched.event_type) == 1
