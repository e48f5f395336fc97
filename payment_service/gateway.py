"""Where the outside world begins: the payment gateway as a port, and a simulated one.

The simulation follows Stripe's test tokens (https://docs.stripe.com/testing) and its idempotency keys
(https://docs.stripe.com/api/idempotent_requests): the same key is answered alike,
whatever happened to the first answer.
"""

import asyncio
import random
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from aiodataloader import DataLoader

from events import AboutOrder, Address, Allocation, Outcome
from events.values import Amount, Currency, Text
from saga import Call, Pool, queries

sql = queries(__file__, "gateway_queries.sql")

DECLINING = {
    "pm_card_chargeDeclined": ("card_declined", "The card was declined."),
    "pm_card_chargeDeclinedInsufficientFunds": ("insufficient_funds", "The card has insufficient funds."),
}
"""Payment methods that are refused: with which reason, and in which words."""


class Capture(AboutOrder, Call):
    """Take the order's money. What follows the amount is for whoever hears that it was taken."""

    amount: Amount
    currency: Currency
    payment_method: Text
    ship_to: Address
    allocations: tuple[Allocation, ...]


class Refund(AboutOrder, Call):
    """Give a charge back, wholly."""

    charge_id: Text
    payment_id: Text
    amount: Amount
    currency: Currency
    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True)
class Charged:
    charge_id: str


@dataclass(frozen=True, slots=True)
class Declined:
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Refunded:
    amount: int


class PaymentGateway(Protocol):
    """Money moves once for each key, however often it is asked. Whatever is raised, it may have moved."""

    async def capture(self, capture: Capture, key: UUID) -> Charged | Declined: ...

    async def refund(self, refund: Refund, key: UUID) -> Refunded: ...


class SimulatedGateway:
    """A gateway with books of its own, that takes its time and sometimes doesn't answer after it has acted.

    `latency` in seconds; `timeout_rate` is the share of answers that get lost, 0 to 1.
    """

    def __init__(self, books: Pool, latency: float, timeout_rate: float) -> None:
        self._books = books
        self._latency = latency
        self._timeout_rate = timeout_rate
        self._charges: DataLoader[tuple[UUID, Capture], str | None] = DataLoader(self._charge, cache=False)

    async def capture(self, capture: Capture, key: UUID) -> Charged | Declined:
        await asyncio.sleep(self._latency)
        declined = await self._charges.load((key, capture))
        self._perhaps_lose_the_answer()
        return Charged(_charge_id(key)) if declined is None else Declined(*DECLINING[capture.payment_method])

    async def refund(self, refund: Refund, key: UUID) -> Refunded:
        await asyncio.sleep(self._latency)
        await self._books.execute(sql.refund, key, refund.charge_id, refund.amount)
        self._perhaps_lose_the_answer()
        return Refunded(refund.amount)

    async def _charge(self, asked: list[tuple[UUID, Capture]]) -> list[str | None]:
        """Write down at once what is asked at once; why each was declined, if it was."""
        captures = dict(asked)
        rows = await self._books.fetch(
            sql.charge,
            list(captures),
            [_charge_id(key) for key in captures],
            [capture.amount for capture in captures.values()],
            [capture.currency for capture in captures.values()],
            [capture.order_id for capture in captures.values()],
            [DECLINING.get(capture.payment_method, (None, ""))[0] for capture in captures.values()],
        )
        declined = {row["idempotency_key"]: row["declined"] for row in rows}
        return [declined[key] for key, _ in asked]

    def _perhaps_lose_the_answer(self) -> None:
        if random.random() < self._timeout_rate:
            raise TimeoutError("the gateway acted, and its answer was lost")


def _charge_id(key: UUID) -> str:
    return f"ch_{key.hex}"
