"""The REST APIs, as their callers see them."""

from datetime import timedelta
from urllib.parse import quote
from uuid import uuid4

import pytest

from events import StockReleased
from saga.tokens import mint_token
from tests.saga.shop import Shop, order_data, order_for


async def test_an_order_placed_by_rest_is_fulfilled(shop: Shop) -> None:
    """202, known at once, and fulfilled soon."""
    order = order_for()
    placed = await shop.post("order", "/orders", order_data(order))
    assert (placed.status_code, placed.json()["status"]) == (202, "placed")
    await shop.eventually(order.order_id, "fulfilled")


async def test_an_order_without_an_id_gets_one(shop: Shop) -> None:
    body = order_data(order_for())
    del body["order_id"]
    first, second = await shop.post("order", "/orders", body), await shop.post("order", "/orders", body)
    assert first.json()["order_id"] != second.json()["order_id"]


async def test_an_idempotency_key_is_honoured(shop: Shop) -> None:
    """The same request under the same key is the same order; another one is refused."""
    body, key = order_data(order_for()), f"key-{uuid4()}"
    del body["order_id"]
    first = await shop.post("order", "/orders", body, **{"Idempotency-Key": key})
    again = await shop.post("order", "/orders", body, **{"Idempotency-Key": key})
    other = await shop.post("order", "/orders", body | {"customer_id": "c-43"}, **{"Idempotency-Key": key})
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["order_id"] == again.json()["order_id"]
    assert (other.status_code, other.headers["content-type"]) == (422, "application/problem+json")


async def test_another_order_under_the_same_id_is_refused(shop: Shop) -> None:
    order = order_for()
    await shop.post("order", "/orders", order_data(order))
    again = await shop.post("order", "/orders", order_data(order))
    other = await shop.post("order", "/orders", order_data(order, customer_id="c-43"))
    assert (again.status_code, other.status_code) == (202, 409)


async def test_orders_are_listed_from_the_newest_page_by_page(shop: Shop) -> None:
    orders = [order_for() for _ in range(3)]
    for order in orders:
        await shop.post("order", "/orders", order_data(order))
    response = await shop.http.get(shop.services.url("order") + "/orders", params={"limit": 2})
    ids = [row["order_id"] for row in response.json()]
    following = await shop.http.get(shop.services.url("order") + "/orders", params={"limit": 1, "after": ids[-1]})
    assert [*ids, following.json()[0]["order_id"]] == [str(order.order_id) for order in reversed(orders)]


async def test_a_cancellation_by_rest_undoes_the_order(shop: Shop) -> None:
    order = order_for()
    await shop.post("order", "/orders", order_data(order))
    cancelled = await shop.post("order", f"/orders/{order.order_id}/cancel", {"reason": "changed my mind"})
    assert cancelled.status_code == 202
    await shop.eventually(order.order_id, "cancelled", "changed my mind")


async def test_inventory_reserves_and_releases_at_its_own_door(shop: Shop) -> None:
    """The same steps as by events, once each."""
    await shop.stock_up("DOOR", berlin=2)
    order = order_for(sku="DOOR", payment_method="pm_card_chargeDeclined")
    reserved = [await shop.post("inventory", "/reservations", order_data(order)) for _ in range(2)]
    assert [response.status_code for response in reserved] == [201, 201]
    await shop.stage.hears(StockReleased, order.order_id)
    released = [await shop.delete("inventory", f"/reservations/{order.order_id}") for _ in range(2)]
    assert [response.json()["status"] for response in released] == ["released", "released"]
    await shop.settled()
    assert await shop.available("DOOR") == 2
    assert shop.stage.types_of(order.order_id).count("stock.released.v1") == 1


async def test_a_count_below_what_is_reserved_is_refused(shop: Shop) -> None:
    await shop.stock_up("COUNTED", berlin=5)
    order = order_for(sku="COUNTED", quantity=4)
    await shop.publish(order)
    await shop.eventually(order.order_id, "fulfilled")
    url = shop.services.url("inventory") + "/stock/COUNTED"
    refused = await shop.http.put(url, json={"warehouse": "berlin", "on_hand": 3})
    assert (refused.status_code, refused.json()["reason"]) == (409, "reserved")


@pytest.mark.parametrize("sku", ["SHELF/80", "a?b#c", "50%25", "ÖL"])
async def test_any_sku_can_be_counted_and_ordered(shop: Shop, sku: str) -> None:
    """Whatever a URL means by its characters."""
    await shop.stock_up(sku, berlin=2)
    order = order_for(sku=sku)
    await shop.publish(order)
    await shop.eventually(order.order_id, "fulfilled")
    assert (await shop.get("inventory", f"/stock/{quote(sku, safe='')}"))["reserved"] == 2


async def test_a_refund_at_payments_door_gives_money_and_stock_back_once(shop: Shop) -> None:
    order = order_for()
    await shop.publish(order)
    await shop.eventually(order.order_id, "fulfilled")
    for _ in range(2):
        assert (await shop.post("payment", f"/payments/{order.order_id}/refund")).status_code == 202
    await shop.eventually(order.order_id, "cancelled", "refunded at payment's own door")
    payment = await shop.get("payment", f"/payments/{order.order_id}")
    assert (payment["captured"], payment["refunded"]) == (payment["amount"], payment["amount"])
    await shop.delete("shipping", f"/shipments/{order.order_id}")
    await shop.settled()
    assert shop.stage.types_of(order.order_id).count("payment.refunded.v1") == 1


async def test_a_shipment_cancelled_at_its_door_cancels_the_order(shop: Shop) -> None:
    order = order_for()
    await shop.publish(order)
    await shop.eventually(order.order_id, "fulfilled")
    assert (await shop.delete("shipping", f"/shipments/{order.order_id}")).status_code == 202
    await shop.eventually(order.order_id, "cancelled", "cancelled at shipping's own door")


async def test_a_cancelled_shipment_cannot_be_dispatched(shop: Shop) -> None:
    order = order_for()
    await shop.publish(order)
    await shop.eventually(order.order_id, "fulfilled")
    await shop.delete("shipping", f"/shipments/{order.order_id}")
    await shop.eventually(order.order_id, "cancelled", "cancelled at shipping's own door")
    refused = await shop.post("shipping", f"/shipments/{order.order_id}/dispatch")
    assert (refused.status_code, refused.json()["reason"]) == (409, "shipment_cancelled")


@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("order", "/orders/{}"),
        ("inventory", "/stock/{}"),
        ("payment", "/payments/{}"),
        ("shipping", "/shipments/{}"),
    ],
)
async def test_what_is_not_known_is_a_problem_that_names_it(shop: Shop, service: str, path: str) -> None:
    unknown = str(uuid4())
    response = await shop.http.get(shop.services.url(service) + path.format(unknown))
    assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json")
    assert unknown in response.json()["detail"]


@pytest.mark.parametrize("service", ["order", "inventory", "payment", "shipping"])
async def test_who_has_no_valid_token_is_refused(shop: Shop, service: str) -> None:
    """Missing, forged and expired tokens; health and metrics need none."""
    paths = {
        "order": "/orders",
        "inventory": "/stock",
        "payment": f"/payments/{uuid4()}",
        "shipping": f"/shipments/{uuid4()}",
    }
    url = shop.services.url(service) + paths[service]
    for authorization in (
        "",
        "Bearer nonsense",
        f"Bearer {mint_token('x' * 32, 'forger', timedelta(hours=1))}",
        f"Bearer {mint_token(shop.deployment.api_secret, 'late', timedelta(seconds=-1))}",
    ):
        response = await shop.http.get(url, headers={"Authorization": authorization})
        assert (response.status_code, response.headers["content-type"]) == (401, "application/problem+json")
    for path in ("/health/live", "/health/ready", "/metrics"):
        response = await shop.http.get(shop.services.url(service) + path, headers={"Authorization": ""})
        assert response.status_code == 200


async def test_a_bad_order_is_a_problem_that_names_the_field(shop: Shop) -> None:
    response = await shop.post("order", "/orders", order_data(order_for(), currency="XQZ"))
    assert response.status_code == 422
    assert "currency" in response.json()["detail"]
