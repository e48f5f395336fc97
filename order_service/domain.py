"""What the facts heard so far say about an order. Facts may come in any order."""

from dataclasses import dataclass
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


def hear(progress: Progress, event: Event) -> Progress:
    """The order's progress with one more fact. What is final stays."""
    heard = progress.heard | {event.event_type}
    if progress.status in FINAL:
        return Progress(progress.status, progress.reason, heard)
    return Progress(*_standing(progress.status, progress.reason, heard, event), heard)


def _standing(  # noqa: PLR0911 — one line per fact
    status: Status, reason: str | None, heard: frozenset[str], event: Event
) -> tuple[Status, str | None]:
    """What the fact makes of an order that stands so, and why."""
    match event:
        case StockRejected():
            return Status.REJECTED, event.reason
        case StockReleased():
            return Status(event.outcome), event.reason or reason
        case ShipmentCancellationRefused():
            return Status.FULFILLED, event.reason
        case PaymentDeclined() | ShipmentRejected():
            return Status.UNDOING, event.reason
        case OrderCancelled() if not heard & _NO_WAY_BACK:
            return Status.UNDOING, reason or event.reason
        case ShipmentCancelled() | PaymentRefunded():
            return Status.UNDOING, reason or event.reason
        case ShipmentScheduled() if not heard & _WAY_BACK:
            return Status.FULFILLED, reason
        case ShipmentDispatched():
            return Status.FULFILLED, reason
        case _:
            return status, reason
