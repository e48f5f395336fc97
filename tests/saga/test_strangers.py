"""Orders from a client library that the project doesn't use, in every form, good and bad, one or a thousand."""

import asyncio
import json
from collections.abc import Sequence
from functools import partial
from uuid import uuid4

import pika
import pytest

from events import CONTENT_TYPE, OrderPlaced
from saga.testing import eventually
from saga.topology import PUBLISHER
from tests.saga.shop import Shop, order_data, order_for

Sent = tuple[bytes, pika.BasicProperties]


def structured(order: OrderPlaced) -> Sent:
    event = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "/stranger",
        "type": "order.placed.v1",
        "data": order_data(order),
    }
    return json.dumps(event).encode(), pika.BasicProperties(content_type=CONTENT_TYPE)


def binary(order: OrderPlaced) -> Sent:
    headers = {"specversion": "1.0", "id": str(uuid4()), "source": "/stranger", "type": "order.placed.v1"}
    properties = pika.BasicProperties(
        content_type="application/json", headers={f"cloudEvents:{key}": value for key, value in headers.items()}
    )
    return json.dumps(order_data(order)).encode(), properties


def bare(order: OrderPlaced) -> Sent:
    return json.dumps(order_data(order)).encode(), pika.BasicProperties()


def bare_with_an_id(order: OrderPlaced) -> Sent:
    return json.dumps(order_data(order)).encode(), pika.BasicProperties(message_id=str(uuid4()))


async def send(shop: Shop, messages: Sequence[Sent], routing_key: str = "order.placed.v1") -> None:
    """By pika, as the publisher, with confirms."""

    def blocking() -> None:
        connection = pika.BlockingConnection(pika.URLParameters(shop.deployment.amqp_url(PUBLISHER)))
        channel = connection.channel()
        channel.confirm_delivery()
        for body, properties in messages:
            channel.basic_publish("orders", routing_key, body, properties, mandatory=True)
        connection.close()

    await asyncio.to_thread(blocking)


@pytest.mark.parametrize("form", [structured, binary, bare])
async def test_an_order_of_any_form_ends_the_same_way(shop: Shop, form: object) -> None:
    """Structured, binary and bare orders are all fulfilled; published again under another id, they change nothing."""
    assert callable(form)
    sku = f"FORM-{getattr(form, '__name__', '')}"
    await shop.stock_up(sku, berlin=10)
    order = order_for(sku=sku, quantity=2)
    await send(shop, [form(order)])
    await shop.eventually(order.order_id, "fulfilled")
    await send(shop, [form(order), bare_with_an_id(order), structured(order)])
    await shop.settled()
    assert await shop.available(sku) == 8
    types = shop.stage.types_of(order.order_id)
    assert [types.count(step) for step in ("stock.reserved.v1", "payment.captured.v1", "shipment.scheduled.v1")] == [
        1
    ] * 3


async def test_never_more_is_sold_than_there_is(shop: Shop) -> None:
    """1,000 orders for 600 pieces from 8 publishers: 600 are fulfilled, 400 rejected, and no count is ever negative."""
    await shop.stock_up("HOT", berlin=350, leipzig=250)
    orders = [order_for(sku="HOT", quantity=1) for _ in range(1000)]
    lowest: list[int] = []

    async def look() -> None:
        while True:
            stock = await shop.get("inventory", "/stock/HOT")
            lowest.append(min(place["available"] for place in stock["warehouses"]))
            await asyncio.sleep(0.02)

    looking = asyncio.create_task(look())
    await asyncio.gather(*(send(shop, [bare(order) for order in orders[n::8]]) for n in range(8)))

    async def outcomes() -> list[tuple[str, str | None, int]] | None:
        query = """SELECT status, reason, count(*)::integer FROM customer_order
                   WHERE order_id = ANY ($1::uuid[]) GROUP BY status, reason"""
        rows = await shop.ask("order", query, [order.order_id for order in orders])
        found = sorted(tuple(row) for row in rows)
        return found if {row[0] for row in found} == {"fulfilled", "rejected"} and len(found) == 2 else None

    assert await eventually(outcomes, within=60) == [("fulfilled", None, 600), ("rejected", "out_of_stock", 400)]
    looking.cancel()
    assert min(lowest) >= 0
    assert len(lowest) > 10
    assert await shop.available("HOT") == 0
    await shop.settled()
    assert await shop.unbalanced() == []


def _line(**changes: object) -> dict[str, object]:
    return {"sku": "CHAIR", "quantity": 1, "unit_price": 100} | changes


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        (b"", "Invalid JSON"),
        (b"order one chair, please", "Invalid JSON"),
        ({"customer_id": 42}, "customer_id: Input should be a valid string"),
        ({"lines": [_line(quantity="two")]}, "lines.0.quantity: Input should be a valid integer"),
        ({"lines": [_line(quantity=-1)]}, "lines.0.quantity: Input should be greater than or equal to 1"),
        ({"lines": [_line(sku=f"S{n}") for n in range(101)]}, "lines: Tuple should have at most 100 items"),
        (b"[" + b"0," * (5 * 1024 * 512) + b"0]", "the body has 5,242,883 bytes, and at most 1,048,576 are accepted"),
        ({"currency": "XQZ"}, "currency: Invalid currency code"),
        ({"lines": [_line(), _line()]}, "lines: sku 'CHAIR' is there 2 times, and may be there once"),
        (
            b'{"specversion":"1.0","id":"1","source":"s","type":"order.misplaced.v1","data":{}}',
            "the message says it is 'order.misplaced.v1', but its routing key is 'order.placed.v1'",
        ),
    ],
    ids=[
        "empty",
        "not JSON",
        "wrong type",
        "text for number",
        "negative",
        "101 lines",
        "5 MB",
        "currency",
        "sku twice",
        "type",
    ],
)
async def test_a_bad_order_parks_with_its_reason_while_others_go_on(
    shop: Shop, spoilt: bytes | dict[str, object], reason: str
) -> None:
    """Untouched, in the dead letters of whoever heard it; the orders before and after it are fulfilled."""
    body = spoilt if isinstance(spoilt, bytes) else json.dumps(order_data(order_for(), **spoilt)).encode()
    before, after = order_for(), order_for()
    await send(shop, [bare(before), (body, pika.BasicProperties()), bare(after)])
    for order in (before, after):
        await shop.eventually(order.order_id, "fulfilled")
    for service in ("inventory", "order"):
        letters = await eventually(partial(shop.stage.take_dead_letters, service))
        assert [letter.body for letter in letters] == [body]
        assert reason in str(letters[0].headers["x-reason"])
