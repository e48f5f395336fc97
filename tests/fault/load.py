"""A steady stream of orders of every kind, as careful customers send them: what was promised to each is remembered."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

import httpx
from aio_pika import DeliveryMode, Message

from events import CONTENT_TYPE, Event, OrderPlaced
from saga.errors import CannotStart, ServerAway
from saga.publisher import Outgoing, Publisher
from saga.testing import enveloped
from tests.builders import address, line, order_cancelled, order_placed

KINDS = {
    "good": 60,
    "split": 6,
    "card_declined": 8,
    "insufficient_funds": 4,
    "destination_not_served": 8,
    "out_of_stock": 6,
    "unknown_sku": 4,
    "late": 4,
}
"""Of a hundred orders."""
SKUS = {"out_of_stock": ["SOFA"], "unknown_sku": ["UNICORN"], "split": ["ONLY-BERLIN", "ONLY-LEIPZIG"]}
POISON = 2
"""Messages that nobody can read, for a hundred orders."""


@dataclass
class Promise:
    """What may become of an order, and must."""

    order: OrderPlaced
    kind: str
    cancelled: bool = False
    dispatched: bool = False

    def __str__(self) -> str:
        happened = [what for what in ("cancelled", "dispatched") if getattr(self, what)]
        return " ".join(["a", *happened, self.kind, "order"])

    def kept(self, status: str, reason: str | None) -> bool:
        """Whether an order that ended so ended rightly."""
        if self.kind in {"good", "split", "late"}:
            undone = self.cancelled or self.kind == "late"
            return (status == "cancelled" and undone) or (
                status == "fulfilled" and (not self.cancelled or self.dispatched)
            )
        return (status == "rejected" and (reason == self.kind or self.cancelled)) or (
            status == "cancelled" and self.cancelled
        )


@dataclass
class Load:
    """Publishes until stopped. `rate` in orders a second; `urls` and `token` are those of the services' APIs."""

    seed: int
    amqp_url: str
    urls: dict[str, str]
    token: str
    rate: float
    promises: dict[UUID, Promise] = field(default_factory=dict)
    poison: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    _stopping: bool = False

    async def run(self) -> None:
        """Every message is published until the broker has confirmed it, under the same id."""
        dice = random.Random(self.seed)
        publisher = Publisher(self.amqp_url, "load")
        headers = {"Authorization": f"Bearer {self.token}"}
        async with httpx.AsyncClient(headers=headers, timeout=5) as http, asyncio.TaskGroup() as customers:
            loop, began = asyncio.get_running_loop(), asyncio.get_running_loop().time()
            for number, order in enumerate(_orders(dice)):
                if self._stopping:
                    break
                customers.create_task(self._serve(order, random.Random(dice.random()), publisher, http))
                if dice.random() * 100 < POISON:
                    customers.create_task(self._poison(f"poison-{self.seed}-{number}", publisher))
                await asyncio.sleep(max(0.0, began + (number + 1) / self.rate - loop.time()))
        await publisher.close()

    def stop(self) -> None:
        """Begin no more orders."""
        self._stopping = True

    async def _serve(
        self, promise: Promise, dice: random.Random, publisher: Publisher, http: httpx.AsyncClient
    ) -> None:
        order = promise.order
        cancels, dispatches, repeats = dice.random() < 0.15, dice.random() < 0.15, dice.random() < 0.1
        promise.cancelled = cancels
        self.counts[promise.kind] += 1
        self.promises[order.order_id] = promise
        if cancels and dice.random() < 0.1:  # the cancellation is published first
            await _publish(publisher, order_cancelled(order_id=order.order_id))
        await _publish(publisher, order)
        if repeats:  # under another id
            await _publish(publisher, order)
            self.counts["published twice"] += 1
        if dispatches and promise.kind in {"good", "split"}:
            promise.dispatched = True
            await asyncio.sleep(dice.uniform(0, 3))
            await _post(http, f"{self.urls['shipping']}/shipments/{order.order_id}/dispatch")
            self.counts["dispatches"] += 1
        if cancels:
            await asyncio.sleep(dice.uniform(0, 3))
            self.counts["cancelled"] += 1
            if dice.random() < 0.5 and await _post(http, f"{self.urls['order']}/orders/{order.order_id}/cancel"):
                return
            await _publish(publisher, order_cancelled(order_id=order.order_id))

    async def _poison(self, message_id: str, publisher: Publisher) -> None:
        message = Message(b'{"order_id": "none"', message_id=message_id, delivery_mode=DeliveryMode.PERSISTENT)
        self.poison.append(message_id)
        await _until_confirmed(publisher, Outgoing(message, "orders", OrderPlaced.event_type))


def _orders(dice: random.Random) -> Iterator[Promise]:
    kinds, weights = list(KINDS), list(KINDS.values())
    while True:
        kind = dice.choices(kinds, weights)[0]
        skus = SKUS.get(kind) or [dice.choice(["CHAIR", "DESK", "LAMP"])]
        yield Promise(
            order_placed(
                order_id=UUID(int=dice.getrandbits(128), version=4),
                lines=[line(sku, dice.randint(1, 3), dice.randint(0, 9999)) for sku in skus],
                payment_method={
                    "card_declined": "pm_card_chargeDeclined",
                    "insufficient_funds": "pm_card_chargeDeclinedInsufficientFunds",
                }.get(kind, "pm_card_visa"),
                ship_to=address(country="AQ" if kind == "destination_not_served" else "GB"),
                **({"fulfil_within": 1} if kind == "late" else {}),
            ),
            kind,
        )


async def _publish(publisher: Publisher, event: Event) -> None:
    envelope = enveloped(event, source="load")
    message = Message(
        envelope.encode(),
        content_type=CONTENT_TYPE,
        message_id=envelope.id,
        type=envelope.type,
        delivery_mode=DeliveryMode.PERSISTENT,
    )
    await _until_confirmed(publisher, Outgoing(message, event.exchange, envelope.type))


async def _until_confirmed(publisher: Publisher, out: Outgoing) -> None:
    while True:
        try:
            await publisher.publish_one(out)
        except (ServerAway, CannotStart):
            await asyncio.sleep(0.5)
        else:
            return


async def _post(http: httpx.AsyncClient, url: str) -> bool:
    """Whether it was accepted, as far as one hears of it."""
    try:
        return (await http.post(url)).is_success
    except httpx.HTTPError:
        return False
