"""A customer pays for a term and gets access; days later the next term begins, and may not be paid."""

from collections.abc import Sequence
from uuid import UUID

from events import Message
from examples.subscription.access.handlers import access
from examples.subscription.billing.gateway import Charge, Refund, SimulatedCards
from examples.subscription.billing.handlers import billing
from examples.subscription.events import TermOpened
from examples.subscription.notification.gateway import Send, SimulatedMail
from examples.subscription.notification.handlers import notification
from saga import Settings
from saga.exploring import Scenario, Story

SERVICES = (billing, access, notification)
PLANS = "INSERT INTO plan (name, price, lasts) VALUES ('daily', 50, '0 days'), ('lifetime', 99900, '100 years')"
"""A day is over at once, so that renewals can be watched, and explored."""


def story(plan: str, *, card: str = "pm_card_visa", terms: int = 1) -> Story:
    def told(saga: UUID) -> Sequence[Message]:
        return [
            TermOpened(
                term_id=saga,
                subscription_id=saga,
                number=1,
                terms=terms,
                customer="ada@example.org",
                plan=plan,
                card=card,
            )
        ]

    return told


SCENARIO = Scenario(
    services=SERVICES,
    stories={
        "one term": story("daily"),
        "three terms": story("daily", terms=3),
        "a card that declines": story("daily", card="pm_card_chargeDeclined"),
        "a card that expires after the first term": story("daily", card="pm_card_expires", terms=3),
        "a plan that is full": story("lifetime"),
    },
    outside={
        "billing": lambda books: {Charge: (cards := SimulatedCards(books)).charge, Refund: cards.refund},
        "notification": lambda books: {Send: SimulatedMail(books).send},
    },
    prepared={
        "billing": PLANS,
        "access": "INSERT INTO plan (name, places) VALUES ('daily', 1000000), ('lifetime', 0)",
    },
    clocks={"billing": Settings.of("billing").model_construct()},
)
