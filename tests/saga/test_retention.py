"""Orders that have ended are forgotten past retention. What may still be undone, or refused, is not."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from events import OrderCancelled, StockDeducted
from saga.database import sql
from saga.settings import Settings
from tests.order_saga import ORDER_SAGA
from tests.saga.shop import Shop, order_for

RETENTION: timedelta = Settings.model_fields["retention"].default
ROWS = {"order": "customer_order", "inventory": "reservation", "payment": "payment", "shipping": "shipment"}
"""Where each service keeps what it knows of an order."""
OPENED = {"order": "seen_at", "inventory": "opened_at", "payment": "opened_at", "shipping": "opened_at"}
OUTSIDE = {"payment": "gateway.charge", "shipping": "carrier.booking"}


async def test_orders_that_have_ended_are_forgotten_and_the_others_can_still_be_undone(shop: Shop) -> None:
    """Also when the fence has forgotten their steps. Who has left is remembered where cancellations are refused."""
    fulfilled, left, cancelled = order_for(), order_for(), order_for()
    declined, not_served = order_for(payment_method="pm_card_chargeDeclined"), order_for(country="AQ")
    for order in (fulfilled, left, cancelled, declined, not_served, sold_out := order_for(sku="SOFA")):
        await shop.publish(order)
    for order in (fulfilled, left, cancelled):
        await shop.eventually(order.order_id, "fulfilled")
    await shop.post("shipping", f"/shipments/{left.order_id}/dispatch")
    await shop.stage.hears(StockDeducted, left.order_id)
    await shop.publish(OrderCancelled(order_id=cancelled.order_id))
    await shop.settled()
    orders = [order.order_id for order in (fulfilled, left, cancelled, declined, not_served, sold_out)]
    ended = {left.order_id, cancelled.order_id, declined.order_id, not_served.order_id, sold_out.order_id}

    await _pass(shop, RETENTION - timedelta(hours=1), orders)
    assert await _kept(shop, "order", orders) == set(orders)
    await _pass(shop, timedelta(hours=2), orders)
    for service in ("order", "inventory", "payment"):
        assert await _kept(shop, service, orders) == {fulfilled.order_id}, service
    assert await _kept(shop, "shipping", orders) == {fulfilled.order_id, left.order_id}

    for order in (fulfilled, left):
        await shop.publish(OrderCancelled(order_id=order.order_id, reason="after a long time"))
    await shop.eventually(fulfilled.order_id, "cancelled", "after a long time")
    await shop.eventually(left.order_id, "fulfilled", "already_dispatched")
    await shop.settled()
    payment = await shop.get("payment", f"/payments/{fulfilled.order_id}")
    assert (payment["status"], payment["refunded"]) == ("refunded", payment["amount"])

    await _pass(shop, 2 * RETENTION, orders)
    for service in ROWS:
        assert await _kept(shop, service, [*ended, fulfilled.order_id]) == set(), service
    assert await shop.unbalanced() == []


async def _pass(shop: Shop, time: timedelta, orders: Sequence[UUID]) -> None:
    """So much time passes for these orders, and then the services forget what is past retention."""
    for service in ORDER_SAGA:
        dates = [(ROWS[service.name], OPENED[service.name], "changed_at", "order_id")]
        if service.name in OUTSIDE:
            dates.append((OUTSIDE[service.name], "made_at", "changed_at", "reference"))
        for table, opened, changed, order_id in dates:
            older = f"{opened} = {opened} - $2::interval, {changed} = {changed} - $2::interval"
            await shop.ask(service.name, f"UPDATE {table} SET {older} WHERE {order_id} = ANY ($1)", orders, time)
        older = "UPDATE saga.fence SET entered_at = entered_at - $2::interval WHERE saga_id = ANY ($1::uuid[]::text[])"
        await shop.ask(service.name, older, orders, time)
        assert service.forget is not None
        await shop.ask(service.name, service.forget, RETENTION, 5_000)
        await shop.ask(service.name, sql.forget_steps, RETENTION, 5_000)


async def _kept(shop: Shop, service: str, orders: Sequence[UUID]) -> set[UUID]:
    rows = await shop.ask(service, f"SELECT order_id FROM {ROWS[service]} WHERE order_id = ANY ($1)", orders)
    return {UUID(int=row["order_id"].int) for row in rows}
