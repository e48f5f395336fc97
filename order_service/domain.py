"""What the facts heard so far say about an order. Facts may come in any order."""

from dataclasses import dataclass, replace
from enum import StrEnum

from events import (
    Event,
    OrderCancelled,
    PaymentDeclined,
    PaymentRefunded,
    ShipmentCancellationRefused,
    ShipmentCancelled,
    ShipmentDispatched,
    ShipmentRejected,
    ShipmentScheduled,
    StockRejected,
    StockReleased,
)


class Status(StrEnum):
    """`rejected` and `cancelled` are final: the order is wholly undone."""

    PLACED = "placed"
    FULFILLED = "fulfilled"
    UNDOING = "undoing"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


FINAL = {Status.REJECTED, Status.CANCELLED}
_NO_WAY_BACK = {ShipmentDispatched.event_type, ShipmentCancellationRefused.event_type}
_WAY_BACK = {
    event.event_type
    for event in (OrderCancelled, PaymentDeclined, ShipmentRejected, ShipmentCancelled, PaymentRefunded)
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an order has come: what was heard of it, what that makes of it, and why."""

    status: Status = Status.PLACED
    reason: str | None = None
    heard: frozenset[str] = frozenset()


def hear(progress: Progress, event: Event) -> Progress:  # noqa: PLR0911 — one line per fact
    """The order's progress with one more fact. What is final stays."""
    known = Progress(progress.status, progress.reason, progress.heard | {event.event_type})
    if progress.status in FINAL:
        return known
    match event:
        case StockRejected():
            return replace(known, status=Status.REJECTED, reason=event.reason)
        case StockReleased():
            return replace(known, status=Status(event.outcome), reason=event.reason or known.reason)
        case ShipmentCancellationRefused():
            return replace(known, status=Status.FULFILLED, reason=event.reason)
        case PaymentDeclined() | ShipmentRejected():
            return replace(known, status=Status.UNDOING, reason=event.reason)
        case OrderCancelled() if not known.heard & _NO_WAY_BACK:
            return replace(known, status=Status.UNDOING, reason=known.reason or event.reason)
        case ShipmentCancelled() | PaymentRefunded():
            return replace(known, status=Status.UNDOING, reason=known.reason or event.reason)
        case ShipmentScheduled() if not known.heard & _WAY_BACK:
            return replace(known, status=Status.FULFILLED)
        case ShipmentDispatched():
            return replace(known, status=Status.FULFILLED)
        case _:
            return known
