"""One of the four services: `python -m benchmarks.textbook NAME AMQP_URL DATABASE_URL`.

A robust connection, a consumer that handles one message after the other in a transaction, and a task that looks into
the outbox and publishes what it finds, one after the other.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import aio_pika
import asyncpg

PREFETCH = 10
LOOK = 0.1
"""Seconds between two looks into an empty outbox."""

Data = dict[str, Any]
Said = tuple[str, str, Data] | None
Handler = Callable[[Any, Data], Awaitable[Said]]
WAREHOUSES = ("berlin", "leipzig")


async def reserve(tx: Any, order: Data) -> Said:
    order_id = UUID(order["order_id"])
    await tx.execute("INSERT INTO reservation (order_id, status) VALUES ($1, 'reserved')", order_id)
    allocations = []
    for line in sorted(order["lines"], key=lambda line: line["sku"]):
        place = await tx.fetchval(
            "UPDATE stock SET reserved = reserved + $2"
            " WHERE sku = $1 AND warehouse = 'berlin' AND on_hand - reserved >= $2 RETURNING warehouse",
            line["sku"],
            line["quantity"],
        )
        await tx.execute(
            "INSERT INTO reservation_line VALUES ($1, $2, $3, $4)", order_id, line["sku"], place, line["quantity"]
        )
        allocations.append({"sku": line["sku"], "warehouse": place, "quantity": line["quantity"]})
    amount = sum(line["unit_price"] * line["quantity"] for line in order["lines"])
    carried = {name: order[name] for name in ("order_id", "customer_id", "currency", "payment_method", "ship_to")}
    return "inventory", "stock.reserved.v1", carried | {"amount": amount, "allocations": allocations}


async def release(tx: Any, lost: Data) -> Said:
    order_id = UUID(lost["order_id"])
    await tx.execute("UPDATE reservation SET status = 'released' WHERE order_id = $1", order_id)
    for line in await tx.fetch("SELECT * FROM reservation_line WHERE order_id = $1 ORDER BY sku", order_id):
        await tx.execute(
            "UPDATE stock SET reserved = reserved - $3 WHERE sku = $1 AND warehouse = $2",
            line["sku"],
            line["warehouse"],
            line["quantity"],
        )
    return "inventory", "stock.released.v1", {"order_id": lost["order_id"], "reason": lost["reason"]}


async def capture(tx: Any, reserved: Data) -> Said:
    order_id = UUID(reserved["order_id"])
    declined = "card_declined" if reserved["payment_method"] == "pm_card_chargeDeclined" else None
    amount, currency, charge = reserved["amount"], reserved["currency"], f"ch_{order_id.hex}"
    async with outside.acquire() as gateway:
        await gateway.execute(
            "INSERT INTO gateway.charge VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            order_id, charge, amount, currency, declined,
        )  # fmt: skip
    payment, status = f"pay_{order_id.hex}", "declined" if declined else "captured"
    await tx.execute(
        "INSERT INTO payment VALUES ($1, $2, $3, $4, $5, $6)", order_id, payment, status, amount, currency, charge
    )
    if declined:
        return "payment", "payment.declined.v1", {"order_id": reserved["order_id"], "reason": declined}
    carried = {name: reserved[name] for name in ("order_id", "amount", "currency", "ship_to", "allocations")}
    return "payment", "payment.captured.v1", carried | {"payment_id": payment}


async def book(tx: Any, captured: Data) -> Said:
    order_id, parcels = UUID(captured["order_id"]), []
    await tx.execute("INSERT INTO shipment (order_id, status) VALUES ($1, 'scheduled')", order_id)
    for warehouse in sorted({line["warehouse"] for line in captured["allocations"]}):
        parcel, tracking = uuid4(), f"tr_{order_id}_{warehouse}"
        async with outside.acquire() as carrier:
            await carrier.execute(
                "INSERT INTO carrier.booking VALUES ($1, $2) ON CONFLICT DO NOTHING", tracking, tracking
            )
        await tx.execute("INSERT INTO parcel VALUES ($1, $2, $3, $4)", parcel, order_id, warehouse, tracking)
        parcels.append({"parcel_id": str(parcel), "warehouse": warehouse, "carrier": "simulated", "tracking": tracking})
    return "shipping", "shipment.scheduled.v1", {"order_id": captured["order_id"], "parcels": parcels}


def follow(status: str) -> Handler:
    async def handler(tx: Any, fact: Data) -> Said:
        await tx.execute(
            "INSERT INTO customer_order AS known (order_id, status, details) VALUES ($1, $2, $3)"
            " ON CONFLICT (order_id) DO UPDATE SET changed_at = now(),"
            " details = coalesce(known.details, excluded.details),"
            " status = CASE WHEN excluded.status = 'placed' THEN known.status ELSE excluded.status END",
            UUID(fact["order_id"]),
            status,
            json.dumps(fact) if "lines" in fact else None,
        )
        return None

    return handler


SERVICES: dict[str, dict[str, Handler]] = {
    "order": {
        "order.placed.v1": follow("placed"),
        "stock.reserved.v1": follow("placed"),
        "payment.captured.v1": follow("placed"),
        "payment.declined.v1": follow("undoing"),
        "stock.released.v1": follow("rejected"),
        "shipment.scheduled.v1": follow("fulfilled"),
    },
    "inventory": {"order.placed.v1": reserve, "payment.declined.v1": release},
    "payment": {"stock.reserved.v1": capture},
    "shipping": {"payment.captured.v1": book},
}

outside: Any
"""The gateway and the carrier, which nobody's transaction includes."""


async def consume(pool: Any, queue: aio_pika.abc.AbstractQueue, handlers: dict[str, Handler]) -> None:
    async with queue.iterator() as messages:
        async for message in messages:
            async with message.process():
                envelope = json.loads(message.body)
                async with pool.acquire() as tx, tx.transaction():
                    known = await tx.fetchval(
                        "INSERT INTO inbox VALUES ($1) ON CONFLICT DO NOTHING RETURNING id", envelope["id"]
                    )
                    if known is None:
                        continue
                    said = await handlers[message.routing_key or ""](tx, envelope["data"])
                    if said:
                        exchange, key, data = said
                        identity = str(uuid4())
                        body = json.dumps({"id": identity, "type": key, "subject": data["order_id"], "data": data})
                        await tx.execute(
                            "INSERT INTO outbox (exchange, routing_key, saga_id, message_id, body)"
                            " VALUES ($1, $2, $3, $4, $5)",
                            exchange, key, data["order_id"], identity, body.encode(),
                        )  # fmt: skip


async def relay(pool: Any, channel: aio_pika.abc.AbstractChannel) -> None:
    while True:
        rows = await pool.fetch("SELECT * FROM outbox ORDER BY position LIMIT 100")
        for row in rows:
            message = aio_pika.Message(
                row["body"],
                content_type="application/json",
                delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                correlation_id=row["saga_id"],
                message_id=row["message_id"],
            )
            exchange = await channel.get_exchange(row["exchange"], ensure=False)
            await exchange.publish(message, row["routing_key"])
            await pool.execute("DELETE FROM outbox WHERE position = $1", row["position"])
        if not rows:
            await asyncio.sleep(LOOK)


async def main(name: str, amqp_url: str, database_url: str) -> None:
    global outside
    connection = await aio_pika.connect_robust(amqp_url)
    channel = await connection.channel()
    await channel.set_qos(prefetch_count=PREFETCH)
    queue = await channel.get_queue(name, ensure=False)
    async with asyncpg.create_pool(database_url) as pool, asyncpg.create_pool(database_url) as outside:
        await asyncio.gather(consume(pool, queue, SERVICES[name]), relay(pool, await connection.channel()))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
