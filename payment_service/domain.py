"""Why an order's money goes back."""

from events import Message, Outcome, ShipmentCancelled, ShipmentRejected


def why(lost: Message) -> tuple[Outcome, str]:
    """The order was refused by shipping, or else somebody cancelled it; and the reason that was given."""
    match lost:
        case ShipmentRejected():
            return Outcome.REJECTED, lost.reason
        case ShipmentCancelled():
            return Outcome.CANCELLED, lost.reason
        case _:
            return Outcome.CANCELLED, "refunded at payment's own door"
