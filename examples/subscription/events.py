"""What billing, access and notification tell each other."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from events import Event
from events.values import PERSONAL, Detail, Reason, Text

Cents = Annotated[int, Field(strict=True, ge=0, lt=2**53, description="in cents")]


class AboutTerm(Event):
    """Each term is a saga of its own: what fails days later undoes nothing of the term before."""

    term_id: UUID
    subscription_id: UUID
    customer: Annotated[Text, PERSONAL]

    @property
    def saga_id(self) -> str:
        return str(self.term_id)


class TermOpened(AboutTerm, event_type="term.opened.v1", exchange="billing"):
    """The first term of a subscription, or the next one; there will be so many of them."""

    number: Annotated[int, Field(strict=True, ge=1)]
    terms: Annotated[int, Field(strict=True, ge=1)]
    plan: Text
    card: Annotated[Text, PERSONAL]


class TermPaid(AboutTerm, event_type="term.paid.v1", exchange="billing"):
    """The customer has paid for it."""

    plan: Text


class TermDeclined(AboutTerm, event_type="term.declined.v1", exchange="billing"):
    """The customer's card doesn't pay for it."""

    reason: Reason
    detail: Detail = ""


class TermRefunded(AboutTerm, event_type="term.refunded.v1", exchange="billing"):
    """The customer has back what was paid for it, which may be nothing."""

    amount: Cents


class AccessGranted(AboutTerm, event_type="access.granted.v1", exchange="access"):
    """The customer is let in."""


class AccessRefused(AboutTerm, event_type="access.refused.v1", exchange="access"):
    """The customer can't be let in."""

    reason: Reason
    detail: Detail = ""


class AccessEnded(AboutTerm, event_type="access.ended.v1", exchange="access"):
    """The customer isn't let in any more, if ever."""


class CustomerNotified(AboutTerm, event_type="customer.notified.v1", exchange="notification", final=True):
    """The customer knows."""
