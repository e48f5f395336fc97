"""Do stock, money, parcels and outboxes add up? Asked of the databases and the broker themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from infra.demo.stories import Story
from saga.provisioning import DatabaseServer, Management

SERVICES = ("order", "inventory", "payment", "shipping")


@dataclass(frozen=True, slots=True)
class Finding:
    """A law, whether it holds, and the figures that say so."""

    law: str
    holds: bool
    figures: str


async def check(endpoints: Mapping[str, str], stories: Sequence[Story]) -> list[Finding]:
    """Every law of the order saga, over all orders of the demonstration."""
    fulfilled = [story for story in stories if story.status == "fulfilled"]
    return [
        _endings(stories),
        *await _stock(endpoints, fulfilled),
        *await _money(endpoints, fulfilled),
        *await _parcels(endpoints, fulfilled),
        await _nothing_open(endpoints),
        await _queues_empty(endpoints),
    ]


def _endings(stories: Sequence[Story]) -> Finding:
    right = [s for s in stories if (s.ended.get("status"), s.ended.get("reason")) == (s.status, s.reason)]
    return Finding("every order ended as it had to", len(right) == len(stories), f"{len(right)} of {len(stories)}")


async def _stock(endpoints: Mapping[str, str], fulfilled: Sequence[Story]) -> list[Finding]:
    rows = await _ask(endpoints, "inventory", "SELECT sum(reserved), sum(on_hand) FROM stock")
    held = await _ask(
        endpoints,
        "inventory",
        """SELECT coalesce(sum(quantity) FILTER (WHERE status = 'reserved'), 0),
                  coalesce(sum(quantity) FILTER (WHERE status = 'deducted'), 0)
           FROM reservation JOIN reservation_line USING (order_id)""",
    )
    sold = sum(line.quantity for story in fulfilled for line in story.order.lines)
    reserved, deducted = int(held[0][0]), int(held[0][1])
    return [
        Finding("what is reserved is what open orders hold", int(rows[0][0]) == reserved, f"{reserved} pieces"),
        Finding(
            "fulfilled orders hold or have taken their pieces, and nobody else does",
            reserved + deducted == sold,
            f"{reserved} held + {deducted} taken = {sold} sold",
        ),
    ]


async def _money(endpoints: Mapping[str, str], fulfilled: Sequence[Story]) -> list[Finding]:
    ledger = await _ask(endpoints, "payment", "SELECT coalesce(sum(captured - refunded), 0) FROM payment")
    gateway = await _ask(
        endpoints,
        "payment",
        """SELECT coalesce((SELECT sum(amount) FROM gateway.charge WHERE declined IS NULL), 0)
                - coalesce((SELECT sum(amount) FROM gateway.refund), 0),
                  (SELECT count(*) FROM gateway.charge), (SELECT count(*) FROM payment)""",
    )
    worth = sum(story.order.amount for story in fulfilled)
    kept, charged = int(ledger[0][0]), int(gateway[0][0])
    return [
        Finding("captured less refunded is the worth of the fulfilled orders", kept == worth, f"{kept / 100:,.2f} EUR"),
        Finding("the gateway's books agree with ours", charged == kept, f"{charged / 100:,.2f} EUR"),
        Finding(
            "nobody was charged twice",
            gateway[0][1] == gateway[0][2],
            f"{gateway[0][1]} charges, {gateway[0][2]} payments",
        ),
    ]


async def _parcels(endpoints: Mapping[str, str], fulfilled: Sequence[Story]) -> list[Finding]:
    shipped = await _ask(
        endpoints,
        "shipping",
        """SELECT order_id, count(parcel_id) FROM shipment LEFT JOIN parcel USING (order_id)
           WHERE status IN ('scheduled', 'dispatched') GROUP BY order_id""",
    )
    booked = await _ask(
        endpoints,
        "shipping",
        """SELECT (SELECT count(*) FROM carrier.booking WHERE NOT cancelled),
                  (SELECT count(*) FROM parcel JOIN shipment USING (order_id)
                   WHERE status IN ('scheduled', 'dispatched'))""",
    )
    wanted = {story.order_id.int: 2 if story.is_split else 1 for story in fulfilled}
    parcels = {order_id.int: count for order_id, count in shipped}
    split = sum(story.is_split for story in fulfilled)
    return [
        Finding("exactly the fulfilled orders have a shipment", parcels.keys() == wanted.keys(), f"{len(shipped)}"),
        Finding("one parcel comes from each warehouse", parcels == wanted, f"{split} orders from two warehouses"),
        Finding("the carrier's books agree with ours", booked[0][0] == booked[0][1], f"{booked[0][0]} parcels"),
    ]


async def _nothing_open(endpoints: Mapping[str, str]) -> Finding:
    counts = [
        await _ask(endpoints, name, "SELECT (SELECT count(*) FROM saga.outbox), (SELECT count(*) FROM saga.call)")
        for name in SERVICES
    ]
    events, calls = sum(row[0][0] for row in counts), sum(row[0][1] for row in counts)
    return Finding("no outbox row and no call is left", events == calls == 0, f"{events} rows, {calls} calls")


async def _queues_empty(endpoints: Mapping[str, str]) -> Finding:
    counts = await Management(endpoints["management"]).queue_counts()
    waiting = {name: count for name, count in counts.items() if count}
    return Finding(
        "no message is left, and nothing is parked", not waiting, f"{len(counts)} queues {waiting or 'empty'}"
    )


async def _ask(endpoints: Mapping[str, str], service: str, query: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(DatabaseServer(endpoints["postgres"]).url_of(service))
    try:
        return await connection.fetch(query)
    finally:
        await connection.close()
