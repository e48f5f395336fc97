"""What payment says."""

from events.event import AboutOrder, Event
from events.values import Address, Allocation, Amount, Currency, Detail, Outcome, Reason, Text


class PaymentCaptured(AboutOrder, Event, event_type="payment.captured.v1", exchange="payment"):
    """The order's money is ours."""

    payment_id: Text
    amount: Amount
    currency: Currency
    ship_to: Address
    allocations: tuple[Allocation, ...]


class PaymentDeclined(AboutOrder, Event, event_type="payment.declined.v1", exchange="payment"):
    """No money has moved: `card_declined`, `insufficient_funds` or another reason of the gateway's."""

    reason: Reason
    detail: Detail = ""


class PaymentRefunded(AboutOrder, Event, event_type="payment.refunded.v1", exchange="payment"):
    """We hold no money for the order, and never will. `amount` went back; 0, if none had been captured."""

    amount: Amount
    currency: Currency | None = None
    payment_id: Text | None = None
    outcome: Outcome = Outcome.CANCELLED
    reason: Detail = ""
