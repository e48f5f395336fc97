"""Orders, and how long each takes to its end: as many as possible at once, or so many a second whatever happens.

The loop's own clock only counts milliseconds (https://docs.libuv.org/en/v1.x/loop.html#c.uv_now).
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter

import uuid_utils.compat as uuid
from pamqp import commands

from benchmarks.limit.amqp import JSON, Link, Outgoing

ENDS = {"shipping": "shipment.scheduled.v1", "inventory": "stock.released.v1"}
"""By exchange: an order is fulfilled, or wholly undone."""
SKUS = ("CHAIR", "DESK", "LAMP")
WINDOW = 50
QUEUE = "ends"


@dataclass
class Load:
    """`declined` is the share of orders whose card is refused, so that they are compensated, 0 to 1."""

    link: Link
    declined: float = 0.0
    skus: tuple[str, ...] = SKUS
    waiting: dict[str, float] = field(default_factory=dict)
    """When each order that hasn't ended was to be placed."""
    latencies: list[float] = field(default_factory=list)
    """Seconds, in the order of the ends."""
    ended: int = 0
    placed: int = 0

    async def keep_busy(self, in_flight: int, seconds: float) -> None:
        """Always so many orders are on their way, for so long."""
        until = perf_counter() + seconds
        while perf_counter() < until:
            room = in_flight - len(self.waiting)
            if room >= WINDOW:
                await self.link.publish(self._orders(min(room, 10 * WINDOW)))
            else:
                await asyncio.sleep(0.002)

    async def place(self, orders: int) -> None:
        """So many at once; they are in the queues afterwards."""
        while orders > 0:
            await self.link.publish(self._orders(min(orders, 10 * WINDOW)))
            orders -= 10 * WINDOW

    async def at_rate(self, rate: float, seconds: float) -> list[float]:
        """The latencies of all orders, each from when it was due, in seconds: an open loop doesn't wait for anybody."""
        began, self.latencies = perf_counter(), []
        count = int(rate * seconds)
        for number in range(count):
            due = began + number / rate
            if (early := due - perf_counter()) > 0:
                await asyncio.sleep(early)
            self.link.publish(self._orders(1, due))
        await self.drained()
        return self.latencies

    async def drained(self, within: float = 300) -> None:
        """Return when no order is on its way. Raises TimeoutError."""
        async with asyncio.timeout(within):
            while self.waiting:  # noqa: ASYNC110 — the listener has no time to tell
                await asyncio.sleep(0.005)

    async def listen(self) -> None:
        """Note when orders end. Until cancelled."""
        while True:
            self.link.news.clear()
            now = perf_counter()
            while self.link.arrived:
                delivery = self.link.arrived.popleft()
                saga = json.loads(delivery.body)["subject"]
                if (due := self.waiting.pop(saga, None)) is not None:
                    self.latencies.append(now - due)
                    self.ended += 1
            await self.link.news.wait()

    def _orders(self, count: int, due: float | None = None) -> Iterator[Outgoing]:
        due = due or perf_counter()
        for _ in range(count):
            self.placed += 1
            saga = str(uuid.uuid7())
            self.waiting[saga] = due
            is_declined = int(self.placed * self.declined) > int((self.placed - 1) * self.declined)
            yield Outgoing(
                "orders", "order.placed.v1", str(uuid.uuid7()), saga, self._body(saga, is_declined=is_declined)
            )

    def _body(self, saga: str, *, is_declined: bool) -> bytes:
        order = {
            "order_id": saga,
            "customer_id": f"c-{self.placed % 1000}",
            "currency": "EUR",
            "lines": [{"sku": self.skus[self.placed % len(self.skus)], "quantity": 1, "unit_price": 4990}],
            "payment_method": "pm_card_chargeDeclined" if is_declined else "pm_card_visa",
            "ship_to": {
                "name": "Ada Lovelace",
                "street": "12 St James's Square",
                "city": "London",
                "postal_code": "SW1Y 4JH",
                "country": "GB",
            },
        }
        now = datetime.now(UTC).isoformat()
        envelope = {
            "specversion": "1.0",
            "id": str(uuid.uuid7()),
            "source": "benchmark",
            "type": "order.placed.v1",
            "subject": saga,
            "time": now,
            "datacontenttype": "application/json",
            "correlationid": saga,
            "data": order,
        }
        return json.dumps(envelope).encode()


@asynccontextmanager
async def loading(
    amqp: str, declined: float = 0.0, skus: tuple[str, ...] = SKUS, content_type: str = JSON
) -> AsyncIterator[Load]:
    """A connection that places orders and hears how they end."""
    link = Link(content_type)
    await link.open(amqp)
    await link.ask(commands.Queue.Declare(queue=QUEUE, exclusive=True))
    for exchange, event_type in ENDS.items():
        await link.ask(commands.Queue.Bind(queue=QUEUE, exchange=exchange, routing_key=event_type))
    await link.consume(QUEUE)
    load = Load(link, declined, skus)
    listening = asyncio.create_task(load.listen())
    try:
        yield load
    finally:
        listening.cancel()
        await link.close()
