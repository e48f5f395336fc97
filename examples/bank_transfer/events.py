"""What the two banks tell each other."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from events import Event
from events.values import PERSONAL, Detail, Reason, Text

Cents = Annotated[int, Field(strict=True, gt=0, lt=2**53, description="in cents")]


class AboutTransfer(Event):
    """The transfer is the saga."""

    transfer_id: UUID

    @property
    def saga_id(self) -> str:
        return str(self.transfer_id)


class TransferOrdered(AboutTransfer, event_type="transfer.ordered.v1", exchange="giro"):
    """The sender wants so much to go to the recipient."""

    sender: Annotated[Text, PERSONAL]
    recipient: Annotated[Text, PERSONAL]
    amount: Cents


class TransferRefused(AboutTransfer, event_type="transfer.refused.v1", exchange="giro", final=True):
    """The sender's account doesn't give it: nothing has moved."""

    reason: Reason
    detail: Detail = ""


class MoneyDebited(AboutTransfer, event_type="money.debited.v1", exchange="giro"):
    """It has left the sender's account, and is in flight."""

    recipient: Annotated[Text, PERSONAL]
    amount: Cents


class MoneyCredited(AboutTransfer, event_type="money.credited.v1", exchange="savings", final=True):
    """It has landed in the recipient's account."""


class CreditRefused(AboutTransfer, event_type="credit.refused.v1", exchange="savings"):
    """It can't land there."""

    reason: Reason
    detail: Detail = ""


class DebitReversed(AboutTransfer, event_type="debit.reversed.v1", exchange="giro", final=True):
    """It is back in the sender's account; so much, which is nothing if it had never left."""

    amount: Annotated[int, Field(ge=0)]
