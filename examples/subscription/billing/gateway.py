"""Where the outside world begins: a card network, simulated.

The same key is answered alike, whatever happened to the first answer (https://docs.stripe.com/api/idempotent_requests).
"""

from dataclasses import dataclass
from uuid import UUID

from examples.subscription.events import Cents
from saga import Call, Pool, queries

sql = queries(__file__, "gateway_queries.sql")


class Charge(Call):
    """Take the price of a term. What follows is for whoever hears that it was taken."""

    term_id: UUID
    subscription_id: UUID
    customer: str
    plan: str
    card: str
    number: int
    amount: Cents

    @property
    def saga_id(self) -> str:
        return str(self.term_id)


class Refund(Call):
    """Give it back."""

    term_id: UUID
    subscription_id: UUID
    customer: str
    amount: Cents

    @property
    def saga_id(self) -> str:
        return str(self.term_id)


@dataclass(frozen=True, slots=True)
class Charged:
    amount: int


@dataclass(frozen=True, slots=True)
class Declined:
    reason: str


@dataclass(frozen=True, slots=True)
class Refunded:
    amount: int


class SimulatedCards:
    """A network with books of its own. One of its test cards always declines, and another from the second term on."""

    def __init__(self, books: Pool) -> None:
        self._books = books

    async def charge(self, charge: Charge, key: UUID) -> Charged | Declined:
        expired = charge.card == "pm_card_expires" and charge.number > 1
        declined = "expired_card" if expired else "card_declined" if charge.card == "pm_card_chargeDeclined" else None
        taken = 0 if declined else charge.amount
        declined = await self._books.fetchval(sql.charge, key, charge.term_id, taken, declined)
        return Declined(declined) if declined else Charged(charge.amount)

    async def refund(self, refund: Refund, key: UUID) -> Refunded:
        await self._books.execute(sql.refund, key, refund.term_id, refund.amount)
        return Refunded(refund.amount)
