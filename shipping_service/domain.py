"""What may still be done with a shipment."""

from enum import StrEnum


class Status(StrEnum):
    BOOKING = "booking"
    SCHEDULED = "scheduled"
    REJECTED = "rejected"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    DISPATCHED = "dispatched"


def can_be_dispatched(status: Status | None) -> bool:
    """Only what the carrier has booked, and nobody has cancelled, can be handed over."""
    return status is Status.SCHEDULED


def is_booked(status: Status | None) -> bool:
    """Whether the carrier has a booking that must be cancelled."""
    return status is Status.SCHEDULED


def has_left(status: Status | None) -> bool:
    return status is Status.DISPATCHED
