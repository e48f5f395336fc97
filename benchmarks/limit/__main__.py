"""One of the four services: `python -m benchmarks.limit NAME AMQP_URL DATABASE_URL`.

What has arrived is handled together, in a few statements over arrays, and acknowledged after the commit. What follows
is published from memory in one write, and leaves the outbox with the next transaction after the broker's confirm.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import uuid_utils.compat as uuid
import uvloop

from benchmarks.limit.amqp import Link, Outgoing

BATCH = 500
PREFETCH = 1_000
WAREHOUSES = ("berlin", "leipzig")

Data = dict[str, Any]
Said = list[tuple[str, str, str, Data]]
"""Exchange, routing key, order and data."""
Handler = Callable[["Service", list[Data]], Awaitable[Said]]


class Service:
    """A queue and a database."""

    def __init__(self, link: Link, database: Any, outside: Any) -> None:
        self.link = link
        self.database = database
        self.outside = outside
        self.confirmed: list[int] = []

    async def run(self, handlers: dict[str, Handler]) -> None:
        """Until killed."""
        await self._say_what_is_left()
        while True:
            if not self.link.arrived:
                self.link.news.clear()
                await self.link.news.wait()
            batch = [self.link.arrived.popleft() for _ in range(min(BATCH, len(self.link.arrived)))]
            async with self.database.transaction():
                rows = await self._handle(batch, handlers)
            self.link.ack(batch[-1].tag)
            self._publish(rows)

    async def _handle(self, batch: Sequence[Any], handlers: dict[str, Handler]) -> list[tuple[int, Outgoing]]:
        forgotten, self.confirmed = self.confirmed, []
        if forgotten:
            await self.database.execute("DELETE FROM outbox WHERE position = ANY ($1::bigint[])", forgotten)
        heard = [(json.loads(delivery.body), delivery.routing_key) for delivery in batch]
        ids = {envelope["id"]: (key, envelope["data"]) for envelope, key in heard}
        fresh = await self.database.fetch(
            "INSERT INTO inbox (id) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING RETURNING id", list(ids)
        )
        by_type: defaultdict[str, list[Data]] = defaultdict(list)
        for row in fresh:
            key, data = ids[row["id"]]
            by_type[key].append(data)
        said: Said = []
        for key, events in by_type.items():
            said += await handlers[key](self, events)
        return await self._store(said)

    async def _store(self, said: Said) -> list[tuple[int, Outgoing]]:
        if not said:
            return []
        out = []
        for exchange, key, saga, data in said:
            identity = str(uuid.uuid7())
            body = json.dumps({"id": identity, "type": key, "subject": saga, "data": data}).encode()
            out.append(Outgoing(exchange, key, identity, saga, body))
        rows = await self.database.fetch(
            "INSERT INTO outbox (exchange, routing_key, message_id, saga_id, body)"
            " SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[]) RETURNING position",
            *map(list, zip(*out, strict=True)),
        )
        return [(row["position"], each) for row, each in zip(rows, out, strict=True)]

    def _publish(self, rows: list[tuple[int, Outgoing]]) -> None:
        if rows:
            confirmed = self.link.publish(out for _, out in rows)
            confirmed.add_done_callback(lambda _: self.confirmed.extend(position for position, _ in rows))

    async def _say_what_is_left(self) -> None:
        rows = await self.database.fetch(
            "SELECT position, exchange, routing_key, message_id, saga_id, body FROM outbox ORDER BY position"
        )
        self._publish([(position, Outgoing(*out)) for position, *out in rows])


def ids(events: Sequence[Data]) -> list[UUID]:
    return [UUID(event["order_id"]) for event in events]


async def follow(service: Service, events: list[Data], status: str) -> Said:
    await service.database.execute(
        """
        INSERT INTO customer_order AS known (order_id, status, details)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::jsonb[])
        ON CONFLICT (order_id) DO UPDATE SET
            status = CASE WHEN excluded.status = 'placed' THEN known.status ELSE excluded.status END,
            details = coalesce(known.details, excluded.details), changed_at = now()
        """,
        ids(events),
        [status] * len(events),
        [json.dumps(event) if status == "placed" else None for event in events],
    )
    return []


def following(status: str) -> Handler:
    async def handler(service: Service, events: list[Data]) -> Said:
        return await follow(service, events, status)

    return handler


async def reserve(service: Service, events: list[Data]) -> Said:
    skus = sorted({line["sku"] for event in events for line in event["lines"]})
    rows = await service.database.fetch(
        "SELECT sku, warehouse, on_hand - reserved AS available FROM stock WHERE sku = ANY ($1::text[])"
        " ORDER BY sku, warehouse FOR UPDATE",
        skus,
    )
    shelf = {(row["sku"], row["warehouse"]): row["available"] for row in rows}
    lines: list[tuple[UUID, str, str, int]] = []
    said: Said = []
    for event in events:
        warehouse = next(
            place
            for place in WAREHOUSES
            if all(shelf[line["sku"], place] >= line["quantity"] for line in event["lines"])
        )
        allocations = []
        for line in event["lines"]:
            shelf[line["sku"], warehouse] -= line["quantity"]
            lines.append((UUID(event["order_id"]), line["sku"], warehouse, line["quantity"]))
            allocations.append({"sku": line["sku"], "warehouse": warehouse, "quantity": line["quantity"]})
        amount = sum(line["unit_price"] * line["quantity"] for line in event["lines"])
        carried = {name: event[name] for name in ("order_id", "customer_id", "currency", "payment_method", "ship_to")}
        reserved = carried | {"amount": amount, "allocations": allocations}
        said.append(("inventory", "stock.reserved.v1", event["order_id"], reserved))
    await service.database.execute(
        "INSERT INTO reservation (order_id, status) SELECT unnest($1::uuid[]), 'reserved'", ids(events)
    )
    await service.database.execute(
        """
        WITH line AS MATERIALIZED (
            SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[])
                AS line (order_id, sku, warehouse, quantity)
        ), kept AS (INSERT INTO reservation_line SELECT * FROM line)
        UPDATE stock SET reserved = stock.reserved + held.quantity
        FROM (SELECT sku, warehouse, sum(quantity) AS quantity FROM line GROUP BY sku, warehouse) AS held
        WHERE stock.sku = held.sku AND stock.warehouse = held.warehouse
        """,
        *map(list, zip(*lines, strict=True)),
    )
    return said


async def release(service: Service, events: list[Data]) -> Said:
    await service.database.execute(
        """
        WITH ended AS (
            UPDATE reservation SET status = 'released', changed_at = now()
            WHERE order_id = ANY ($1::uuid[]) AND status = 'reserved' RETURNING order_id
        )
        UPDATE stock SET reserved = stock.reserved - held.quantity
        FROM (SELECT sku, warehouse, sum(quantity) AS quantity
              FROM reservation_line JOIN ended USING (order_id) GROUP BY sku, warehouse) AS held
        WHERE stock.sku = held.sku AND stock.warehouse = held.warehouse
        """,
        ids(events),
    )
    return [
        (
            "inventory",
            "stock.released.v1",
            event["order_id"],
            {"order_id": event["order_id"], "reason": event["reason"]},
        )
        for event in events
    ]


async def capture(service: Service, events: list[Data]) -> Said:
    """The gateway's books are outside: in a transaction of their own, before ours, and safe to repeat."""
    declined = ["card_declined" if event["payment_method"] == "pm_card_chargeDeclined" else None for event in events]
    orders, amounts = ids(events), [event["amount"] for event in events]
    currencies = [event["currency"] for event in events]
    charges = [f"ch_{order.hex}" for order in orders]
    await service.outside.execute(
        "INSERT INTO gateway.charge SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::text[])"
        " ON CONFLICT DO NOTHING",
        orders, charges, amounts, currencies, declined,
    )  # fmt: skip
    await service.database.execute(
        "INSERT INTO payment (order_id, payment_id, status, amount, currency, charge_id)"
        " SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[])",
        orders, [f"pay_{order.hex}" for order in orders], ["declined" if no else "captured" for no in declined],
        amounts, currencies, charges,
    )  # fmt: skip
    return [
        ("payment", "payment.declined.v1", event["order_id"], {"order_id": event["order_id"], "reason": no})
        if no
        else (
            "payment",
            "payment.captured.v1",
            event["order_id"],
            {name: event[name] for name in ("order_id", "amount", "currency", "ship_to", "allocations")}
            | {"payment_id": f"pay_{event['order_id']}"},
        )
        for event, no in zip(events, declined, strict=True)
    ]


async def book(service: Service, events: list[Data]) -> Said:
    parcels = [
        (uuid.uuid7(), UUID(event["order_id"]), warehouse, f"tr_{event['order_id']}_{warehouse}")
        for event in events
        for warehouse in sorted({line["warehouse"] for line in event["allocations"]})
    ]
    tracking = [parcel[3] for parcel in parcels]
    await service.outside.execute(
        "INSERT INTO carrier.booking SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING",
        tracking,
        tracking,
    )
    await service.database.execute(
        "INSERT INTO shipment (order_id, status) SELECT unnest($1::uuid[]), 'scheduled'", ids(events)
    )
    await service.database.execute(
        "INSERT INTO parcel SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[])",
        *map(list, zip(*parcels, strict=True)),
    )
    booked: defaultdict[str, list[Data]] = defaultdict(list)
    for parcel, order, warehouse, number in parcels:
        booked[str(order)].append(
            {"parcel_id": str(parcel), "warehouse": warehouse, "carrier": "simulated", "tracking": number}
        )
    return [
        ("shipping", "shipment.scheduled.v1", order, {"order_id": order, "parcels": told})
        for order, told in booked.items()
    ]


SERVICES: dict[str, dict[str, Handler]] = {
    "order": {
        "order.placed.v1": following("placed"),
        "stock.reserved.v1": following("placed"),
        "payment.captured.v1": following("placed"),
        "payment.declined.v1": following("undoing"),
        "stock.released.v1": following("rejected"),
        "shipment.scheduled.v1": following("fulfilled"),
    },
    "inventory": {"order.placed.v1": reserve, "payment.declined.v1": release},
    "payment": {"stock.reserved.v1": capture},
    "shipping": {"payment.captured.v1": book},
}


async def main(name: str, amqp_url: str, database_url: str) -> None:
    link = Link()
    await link.open(amqp_url)
    database, outside = await asyncpg.connect(database_url), await asyncpg.connect(database_url)
    await link.consume(name, PREFETCH)
    await Service(link, database, outside).run(SERVICES[name])


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
