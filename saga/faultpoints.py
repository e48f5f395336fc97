"""Named points between receive, commit, publish, confirm and ack, at which a test may have the process killed.

Nothing happens at them, and no setting, variable or file can change that. A test runs a service in a program of its
own, which puts something else in the place of `reach`.
"""

from enum import StrEnum


class Point(StrEnum):
    """In the order in which a message, what follows from it, and a call to the outside come by."""

    RECEIVED = "received"
    """Messages are in hand; nothing has been done with them."""
    HANDLED = "handled"
    """A step's work and what follows from it are stored, and not committed."""
    COMMITTED = "committed"
    """They are committed; the messages are not acknowledged."""
    DIVERTING = "diverting"
    """A message that can't be handled is about to go to a retry tier or to the dead letters."""
    DIVERTED = "diverted"
    """It has been confirmed there, and is not acknowledged here."""
    ACKNOWLEDGED = "acknowledged"
    """The acknowledgement is on its way."""
    TAKEN = "taken"
    """Outbox rows are locked, or ours for a while; nothing is published."""
    PUBLISHING = "publishing"
    """They are on their way to the broker, which has not confirmed them."""
    CONFIRMED = "confirmed"
    """The broker has confirmed them; the rows are still there."""
    FORGOTTEN = "forgotten"
    """The rows are deleted, and that is not committed."""
    RELAYED = "relayed"
    """That is committed, too."""
    LEASED = "leased"
    """Open calls are ours for a while; nobody has been called."""
    ANSWERED = "answered"
    """The outside world has acted; its answer is not recorded."""
    SETTLING = "settling"
    """The outcome and what follows from it are stored, and not committed."""
    SETTLED = "settled"
    """They are committed; nobody has been told."""


def reach(point: Point) -> None:
    """A test may end the process here."""
