"""Accidents. A business refusal is an event and never an exception.

SagaError
├── ChoreographyError     a declaration that can't be right; raised at import
├── UndeclaredAnswer      a handler returned what its annotation doesn't declare
├── HeldBack              a message that must wait until what comes before it has been told again
├── HandlerTooSlow        a handler held its transaction open for too long
├── CommandRefused        a command that can't be done now; the door answers 409
├── CannotStart           what this process needs is missing or refuses it; says what to do
├── ServerAway            the broker or the database doesn't answer now; waiting helps
│   ├── BrokerAway
│   └── DatabaseAway
└── ProvisioningFailed    the administrator's own rights or servers don't do
"""

from dataclasses import dataclass


class SagaError(Exception):
    """The root of the runtime's errors."""


class ChoreographyError(SagaError):
    """A handler's declaration contradicts itself or another one."""


@dataclass
class UndeclaredAnswer(SagaError):
    step: str
    answer: str

    def __str__(self) -> str:
        return f"{self.step} returned {self.answer}, which its annotation does not declare"


@dataclass
class HandlerTooSlow(SagaError):
    step: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.step} was not done after {self.seconds:.0f} s"


@dataclass
class HeldBack(SagaError):
    step: str

    def __str__(self) -> str:
        return f"{self.step} waits until the steps before it, of which a restored database doesn't know, are told again"


@dataclass
class CommandRefused(SagaError):
    """Raised by the handler of a command: nothing has changed, and it may be asked again."""

    reason: str
    detail: str

    def __str__(self) -> str:
        return self.detail


@dataclass
class CannotStart(SagaError):
    """Waiting won't mend it."""

    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.problem}: {self.remedy}"


@dataclass
class ServerAway(SagaError):
    cause: str

    def __str__(self) -> str:
        return self.cause


class BrokerAway(ServerAway):
    """Nothing is known of what was being published; it stays in the outbox."""


class DatabaseAway(ServerAway):
    """The work in hand is rolled back; its messages stay with the broker."""


class ProvisioningFailed(SagaError):
    """What went wrong, and at which server."""
