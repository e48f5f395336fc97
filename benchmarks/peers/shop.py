"""What the steps do to the books: the statements of the textbook, safe to repeat, for any library to call."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

Data = dict[str, Any]
WAREHOUSE = "berlin"


class Declined(Exception):
    """The card was refused: how the libraries learn that they have to compensate."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SoldOut(Exception):
    """It never is, in the benchmark."""


async def reserve(tx: Any, order: Data) -> Data:
    """`tx` is a connection of asyncpg, or what looks like one, in a transaction."""
    order_id, allocations = UUID(order["order_id"]), []
    fresh = await tx.fetchval(
        "INSERT INTO reservation (order_id, status) VALUES ($1, 'reserved') ON CONFLICT DO NOTHING RETURNING true",
        order_id,
    )
    for line in sorted(order["lines"], key=lambda line: line["sku"]):
        allocations.append({"sku": line["sku"], "warehouse": WAREHOUSE, "quantity": line["quantity"]})
        if fresh:
            await tx.execute(
                "INSERT INTO reservation_line VALUES ($1, $2, $3, $4)",
                order_id,
                line["sku"],
                WAREHOUSE,
                line["quantity"],
            )
    for line in allocations if fresh else ():  # last: everybody waits for these rows until the commit
        if not await tx.fetchval(
            "UPDATE stock SET reserved = reserved + $2"
            " WHERE sku = $1 AND warehouse = $3 AND on_hand - reserved >= $2 RETURNING warehouse",
            line["sku"],
            line["quantity"],
            line["warehouse"],
        ):
            raise SoldOut(line["sku"])
    return reserved(order, allocations)


async def release(tx: Any, order_id: str) -> None:
    order = UUID(order_id)
    if not await tx.fetchval(
        "UPDATE reservation SET status = 'released' WHERE order_id = $1 AND status = 'reserved' RETURNING true", order
    ):
        return
    for line in await tx.fetch("SELECT * FROM reservation_line WHERE order_id = $1 ORDER BY sku", order):
        await tx.execute(
            "UPDATE stock SET reserved = reserved - $3 WHERE sku = $1 AND warehouse = $2",
            line["sku"],
            line["warehouse"],
            line["quantity"],
        )


async def charge(gateway: Any, reserved: Data) -> str | None:
    """Outside: why the card is refused, if it is. `gateway` is a pool or a connection that isn't in a transaction."""
    declined = refusal(reserved)
    await gateway.execute(
        "INSERT INTO gateway.charge VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        *charged(reserved),
        declined,
    )
    return declined


async def capture(tx: Any, reserved: Data, declined: str | None) -> Data:
    await tx.execute(
        "INSERT INTO payment VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING", *paid(reserved, declined)
    )
    return captured(reserved)


async def call_carrier(carrier: Any, captured: Data) -> list[Data]:
    """Outside, as the gateway."""
    parcels = parcels_of(captured)
    for parcel in parcels:
        await carrier.execute(
            "INSERT INTO carrier.booking VALUES ($1, $2) ON CONFLICT DO NOTHING", parcel["tracking"], parcel["tracking"]
        )
    return parcels


async def book(tx: Any, captured: Data, parcels: list[Data]) -> None:
    order_id = UUID(captured["order_id"])
    if await tx.fetchval(
        "INSERT INTO shipment (order_id, status) VALUES ($1, 'scheduled') ON CONFLICT DO NOTHING RETURNING true",
        order_id,
    ):
        for parcel in parcels:
            await tx.execute(
                "INSERT INTO parcel VALUES ($1, $2, $3, $4)",
                UUID(parcel["parcel_id"]),
                order_id,
                parcel["warehouse"],
                parcel["tracking"],
            )


@dataclass(frozen=True)
class Shop:
    """The steps for those who have no transaction of their own that a step could be part of."""

    pool: Any
    """Of asyncpg."""

    async def reserve(self, order: Data) -> Data:
        async with self.pool.acquire() as tx, tx.transaction():
            return await reserve(tx, order)

    async def release(self, order_id: str) -> None:
        async with self.pool.acquire() as tx, tx.transaction():
            await release(tx, order_id)

    async def capture(self, reserved: Data) -> Data:
        """Raises Declined."""
        declined = await charge(self.pool, reserved)
        known = await capture(self.pool, reserved, declined)
        if declined:
            raise Declined(declined)
        return known

    async def book(self, captured: Data) -> list[Data]:
        parcels = await call_carrier(self.pool, captured)
        async with self.pool.acquire() as tx, tx.transaction():
            await book(tx, captured, parcels)
        return parcels


def reserved(order: Data, allocations: list[Data]) -> Data:
    carried = {name: order[name] for name in ("order_id", "customer_id", "currency", "payment_method", "ship_to")}
    amount = sum(line["unit_price"] * line["quantity"] for line in order["lines"])
    return carried | {"amount": amount, "allocations": allocations}


def refusal(reserved: Data) -> str | None:
    return "card_declined" if reserved["payment_method"] == "pm_card_chargeDeclined" else None


def charged(reserved: Data) -> tuple[UUID, str, int, str]:
    order_id = UUID(reserved["order_id"])
    return order_id, f"ch_{order_id.hex}", reserved["amount"], reserved["currency"]


def paid(reserved: Data, declined: str | None) -> tuple[UUID, str, str, int, str, str]:
    order_id, charge_id, amount, currency = charged(reserved)
    return order_id, f"pay_{order_id.hex}", "declined" if declined else "captured", amount, currency, charge_id


def captured(reserved: Data) -> Data:
    carried = {name: reserved[name] for name in ("order_id", "amount", "currency", "ship_to", "allocations")}
    return carried | {"payment_id": f"pay_{reserved['order_id']}"}


def parcels_of(captured: Data) -> list[Data]:
    return [
        {
            "parcel_id": str(uuid4()),
            "warehouse": warehouse,
            "carrier": "simulated",
            "tracking": f"tr_{captured['order_id']}_{warehouse}",
        }
        for warehouse in sorted({line["warehouse"] for line in captured["allocations"]})
    ]
