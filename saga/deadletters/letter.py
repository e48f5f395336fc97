"""A dead letter: a message that its service couldn't handle, as far as it can be understood all the same."""

from dataclasses import dataclass, field
from datetime import datetime

from aio_pika.abc import AbstractIncomingMessage

from events import Envelope, Event
from saga.declarations import Step
from saga.service import Service


@dataclass(frozen=True, eq=False)
class Letter:
    """What is known of it. `id` is its message id, or where that is no name, a part of its body's hash.

    `type` is the routing key under which it was first published, `time` the event's own. `envelope` is there if this
    version of the service understands it, else `problem` tells why not; its `saga_id` may be known all the same.
    """

    service: Service
    id: str
    type: str
    exchange: str
    error: str
    reason: str
    attempts: int
    parked_at: datetime
    event_id: str
    time: datetime
    saga_id: str | None
    causationid: str | None
    envelope: Envelope[Event] | None
    problem: str
    message: AbstractIncomingMessage = field(repr=False)

    @property
    def step(self) -> Step | None:
        """What handles it, if the service still hears such messages."""
        return next(
            (self.service.step_for(event) for event in self.service.heard if event.event_type == self.type), None
        )

    @property
    def tie(self) -> datetime:
        return self.parked_at

    @property
    def words(self) -> str:
        """Why it parked."""
        return f"{self.error}: {self.reason}" if self.error not in self.reason else self.reason

    @property
    def body(self) -> bytes:
        return self.message.body

    async def remove(self) -> None:
        """It is settled, and is gone from the dead letters."""
        await self.message.ack()
