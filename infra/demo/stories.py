"""What can happen to an order, told as stories that end in a certain way."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle
from uuid import UUID

import uuid_utils.compat as uuid

from events import (
    Address,
    Event,
    Line,
    OrderPlaced,
    ShipmentCancellationRefused,
    ShipmentDispatched,
    ShipmentScheduled,
    StockRejected,
    StockReleased,
    StockReserved,
)
from infra.demo.doors import Door, Doors

SPLIT = "SHELF"
"""Begins the skus of which each of two warehouses has three, and the only order wants five."""


@dataclass
class Story:
    """An order, the door it comes through, what happens to it, and how it must end."""

    title: str
    door: Door
    order: OrderPlaced
    status: str
    reason: str | None
    plot: Callable[["Shop", "Story"], Awaitable[None]]
    heard: list[Event] = field(default_factory=list)
    ended: dict[str, object] = field(default_factory=dict)

    @property
    def order_id(self) -> UUID:
        return self.order.order_id

    @property
    def sku(self) -> str:
        return self.order.lines[0].sku

    @property
    def is_split(self) -> bool:
        """Whether no warehouse can serve it alone."""
        return self.sku.startswith(SPLIT)


class Shop:
    """Where stories are played: its doors, and what is heard of each order."""

    def __init__(self, doors: Doors) -> None:
        self.doors = doors
        self._news = asyncio.Condition()

    async def hear(self, story: Story, event: Event) -> None:
        async with self._news:
            story.heard.append(event)
            self._news.notify_all()

    async def until(self, story: Story, *types: type[Event]) -> None:
        """Return as soon as one of these has been heard of the story's order."""
        async with asyncio.timeout(60), self._news:
            await self._news.wait_for(lambda: any(isinstance(event, types) for event in story.heard))


async def placed(shop: Shop, story: Story) -> None:
    await shop.doors.place(story.order, story.door)
    await shop.until(story, ShipmentScheduled, StockRejected, StockReleased)


async def placed_twice(shop: Shop, story: Story) -> None:
    await shop.doors.place(story.order, story.door)
    await placed(shop, story)


async def cancelled_first(shop: Shop, story: Story) -> None:
    await shop.doors.cancel(story.order_id, "ordered by mistake", story.door)
    await shop.doors.place(story.order, story.door)
    await shop.until(story, StockReleased)


async def cancelled_early(shop: Shop, story: Story) -> None:
    await shop.doors.place(story.order, story.door)
    await shop.until(story, StockReserved)
    await shop.doors.cancel(story.order_id, "changed my mind", story.door)
    await shop.until(story, StockReleased)


async def cancelled_late(shop: Shop, story: Story) -> None:
    await placed(shop, story)
    await shop.doors.cancel(story.order_id, "changed my mind", story.door)
    await shop.until(story, StockReleased)


async def dispatched(shop: Shop, story: Story) -> None:
    await placed(shop, story)
    await shop.doors.dispatch(story.order_id)
    await shop.until(story, ShipmentDispatched)


async def cancelled_too_late(shop: Shop, story: Story) -> None:
    await dispatched(shop, story)
    await shop.doors.cancel(story.order_id, "changed my mind", story.door)
    await shop.until(story, ShipmentCancellationRefused)


def stories() -> Iterator[Story]:
    """A few dozen, of every kind and through every door."""
    doors = cycle(Door)
    for title, order, status, reason, plot, times in (
        ("from one warehouse", _order, "fulfilled", None, placed, 6),
        ("from two warehouses", _split_order, "fulfilled", None, placed, 3),
        ("out of stock", _sofa, "rejected", "out_of_stock", placed, 3),
        ("unknown sku", _unknown, "rejected", "unknown_sku", placed, 1),
        ("declined card", _declined, "rejected", "card_declined", placed, 3),
        ("insufficient funds", _poor, "rejected", "insufficient_funds", placed, 2),
        ("to Antarctica", _antarctic, "rejected", "destination_not_served", placed, 3),
        ("placed twice", _order, "fulfilled", None, placed_twice, 5),
        ("cancelled before it came", _order, "cancelled", "ordered by mistake", cancelled_first, 2),
        ("cancelled early", _order, "cancelled", "changed my mind", cancelled_early, 3),
        ("cancelled late", _split_order, "cancelled", "changed my mind", cancelled_late, 3),
        ("dispatched", _order, "fulfilled", None, dispatched, 2),
        ("cancelled after dispatch", _order, "fulfilled", "already_dispatched", cancelled_too_late, 2),
    ):
        for _ in range(times):
            yield Story(title, next(doors), order(), status, reason, plot)


def _order(sku: str = "CHAIR", quantity: int = 2, card: str = "pm_card_visa", country: str = "GB") -> OrderPlaced:
    return OrderPlaced(
        order_id=uuid.uuid7(),
        customer_id="c-42",
        currency="EUR",
        lines=(Line(sku=sku, quantity=quantity, unit_price=4990),),
        payment_method=card,
        ship_to=Address(
            name="Ada Lovelace", street="12 St James's Square", city="London", postal_code="SW1Y 4JH", country=country
        ),
    )


def _split_order() -> OrderPlaced:
    return _order(sku=f"{SPLIT}-{uuid.uuid7().hex[-8:]}", quantity=5)


def _sofa() -> OrderPlaced:
    return _order(sku="SOFA")


def _unknown() -> OrderPlaced:
    return _order(sku="UNICORN")


def _declined() -> OrderPlaced:
    return _order(card="pm_card_chargeDeclined")


def _poor() -> OrderPlaced:
    return _order(card="pm_card_chargeDeclinedInsufficientFunds")


def _antarctic() -> OrderPlaced:
    return _order(country="AQ")
