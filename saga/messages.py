"""What a participant says besides events: commands to itself, and calls to the outside world."""

from enum import StrEnum

from events import Event, Message


class Command(Message):
    """Asked of a service through its own door (its REST API), never through the broker."""


class Intervention(Command):
    """A person sets one service right, alone: no step of the saga follows from it.

    What it leaves undone elsewhere is that person's to see to; `saga check` proves nothing about it.
    """


class Call(Message):
    """A request to the outside world, stored in the transaction of the handler that returns it.

    A worker performs it, outside any transaction, under the call's id as idempotency key, as often as it takes to
    learn the outcome. Keep in it whatever the outcome's handler needs.
    """


class Refusal(Message):
    """A person has decided that a step is to refuse: its message has parked and will never be handled."""

    saga: str
    reason: str
    detail: str = ""

    @property
    def saga_id(self) -> str:
        return self.saga


class Kind(StrEnum):
    """What kind of step a handler is, in the terms of the field (Garcia-Molina and Salem; Richardson)."""

    COMPENSATABLE = "compensatable"
    """Another step undoes it."""
    COMPENSATION = "compensation"
    """It undoes another step."""
    PIVOT = "pivot"
    """From here on the saga can only go forward."""
    RETRIABLE = "retriable"
    """It can't refuse, and is repeated until it succeeds."""
    ENTRY = "entry"
    """It answers a command, and starts or cancels a saga."""
    LISTENER = "listener"
    """It says nothing, so that the saga doesn't depend on it."""


def wire_name(message: type[Message]) -> str:
    """An event's type; what never goes over the wire is called by its class."""
    return message.event_type if issubclass(message, Event) else message.__name__
