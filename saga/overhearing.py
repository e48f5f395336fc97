"""Hearing everything that is said, and what becomes of it: for who stands by and takes no part."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

import structlog
from pydantic import ValidationError
from pydantic_core import from_json

from events import CONTENT_TYPE, MAX_BODY, Decoder, InvalidMessage
from events.envelope import Envelope, envelopes_of
from events.event import Event
from saga.broker import Incoming, Names, delivery
from saga.database import Pool, transaction
from saga.deadletters.reading import (
    BROKER,
    GIVEN_OUT,
    UNKNOWN,
    came_from,
    death_of,
    name_of,
    parked_at,
    saga_of,
    stated,
    time_of,
)
from saga.declarations import Step
from saga.metrics import HANDLED
from saga.participant import in_time
from saga.retries import ATTEMPT, DISCARDED_AT, ERROR, REASON, REPLAYED_AT, RETRIED_AT
from saga.service import Service

log = structlog.get_logger()


class Course(StrEnum):
    """Where a message goes that a service could not handle."""

    RETRIED = "retried"
    PARKED = "parked"
    REPLAYED = "replayed"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class Diverted:
    """A message on a service's own ways, instead of through its handler."""

    service: str
    course: Course
    at: datetime
    attempt: int
    error: str
    reason: str


@dataclass(frozen=True, slots=True)
class Overheard:
    """A message as it passed by. `body` is all of it if it `is_whole`, a CloudEvent in JSON, or else its data alone.

    One that is `diverted` was said before.
    """

    id: str
    source: str
    type: str
    saga_id: str
    time: datetime
    causationid: str | None
    traceparent: str | None
    exchange: str
    body: bytes
    is_whole: bool
    diverted: Diverted | None = None

    @property
    def day(self) -> date:
        """The event's own day, as its envelope counts it."""
        return self.time.date()


class Onlooker:
    """A service that overhears all others: what it is told commits with what it keeps of it, and it says nothing.

    It knows by itself what it has heard before, so there is no inbox.
    """

    only_listens = True

    def __init__(self, service: Service, pool: Pool, step: Step) -> None:
        self.service = service
        self.pool = pool
        self._step = step
        self._ways = {Names(other.name).retry_exchange: other for other in service.overheard}
        self._owned = {other.exchange for other in service.overheard if not other.front_door}
        self._decoder = Decoder({event for other in service.overheard for event in (*other.heard, *other.said)})

    def understand(self, message: Incoming) -> tuple[Step, Overheard] | None:
        """None, if nobody could tell what it is: it has parked then with who should have heard it, or is unrouted."""
        try:
            heard = self._diverted(message) if message.exchange in self._ways else self._said(message)
        except (InvalidMessage, ValidationError, ValueError) as error:
            log.info(
                "event.not_understood", exchange=message.exchange, type=message.routing_key, cause=str(error)[:200]
            )
            return None
        return (self._step, heard) if heard else None

    async def handle(self, step: Step, heard: Sequence[Overheard]) -> None:
        """Raises what the handler raises, after which nothing has happened; DatabaseAway, when that isn't known."""
        async with transaction(self.pool) as tx, in_time(step.name):
            await step.handler(heard, tx)
        HANDLED.labels(self.service.name, step.name).inc(len(heard))

    def _said(self, message: Incoming) -> Overheard:
        """What only its owner can have published is taken as it is: he has made it of a valid event."""
        event_type = message.routing_key or ""
        if message.exchange in self._owned:
            with suppress(LookupError, TypeError, ValueError):  # else an administrator has published it
                return _trusted(message, event_type)
        try:
            envelope = self._decoder.decode(delivery(message, event_type))
        except InvalidMessage:
            envelope = _stranger(message)
        return _overheard(envelope, message.exchange or "", message)

    def _diverted(self, message: Incoming) -> Overheard | None:
        service = self._ways[message.exchange or ""]
        course, at = _course(message, Names(service.name))
        if course is None:
            return None
        exchange, event_type = came_from(message, Names(service.name))
        try:
            envelope = self._decoder.decode(delivery(message, event_type))
        except InvalidMessage:
            envelope = None
        attempt = message.headers.get(ATTEMPT, 0)
        error, reason = str(message.headers.get(ERROR) or ""), str(message.headers.get(REASON) or "")
        if course is Course.PARKED and death_of(message, Names(service.name)):
            error, reason = BROKER, GIVEN_OUT
        attempt = attempt if isinstance(attempt, int) else 0
        diverted = Diverted(service.name, course, at, attempt, error, reason)
        if envelope is not None:
            return _overheard(envelope, exchange, message, diverted)
        told = stated(message.body)
        saga_id = saga_of(service, event_type, told, message)
        if saga_id is None:
            raise ValueError("nobody can tell which saga it belongs to")
        name, body = name_of(message), message.body
        return Overheard(
            name, "", event_type, saga_id, at, None, None, exchange, body, is_whole=False, diverted=diverted
        )


def _course(message: Incoming, names: Names) -> tuple[Course | None, datetime]:
    """What comes back from a tier by itself takes no new course."""
    if message.routing_key == names.dead:  # of one that the broker has parked, the headers are those of before
        return Course.PARKED, parked_at(message, names)
    for course, header in ((Course.REPLAYED, REPLAYED_AT), (Course.DISCARDED, DISCARDED_AT)):
        if header in message.headers:
            return course, time_of(message.headers[header]) or UNKNOWN
    if message.routing_key == names.queue:
        return None, UNKNOWN
    return Course.RETRIED, time_of(message.headers.get(RETRIED_AT)) or UNKNOWN


def _trusted(message: Incoming, event_type: str) -> Overheard:
    told = from_json(message.body)
    return Overheard(
        id=told["id"],
        source=told["source"],
        type=event_type,
        saga_id=told["correlationid"],
        time=datetime.fromisoformat(told["time"]),
        causationid=told.get("causationid"),
        traceparent=told.get("traceparent"),
        exchange=message.exchange or "",
        body=message.body,
        is_whole=True,
    )


def _overheard(
    envelope: Envelope[Event], exchange: str, message: Incoming, diverted: Diverted | None = None
) -> Overheard:
    return Overheard(
        id=envelope.id,
        source=envelope.source,
        type=envelope.type,
        saga_id=envelope.saga_id,
        time=envelope.time,
        causationid=envelope.causationid,
        traceparent=envelope.traceparent,
        exchange=exchange,
        body=message.body,
        is_whole=(message.content_type or "").startswith(CONTENT_TYPE) or b'"specversion"' in message.body,
        diverted=diverted,
    )


def _stranger(message: Incoming) -> Envelope[Event]:
    """An event of a type that nobody here declares. Raises ValidationError, unless it is a CloudEvent of some saga."""
    told: dict[str, Any] = stated(message.body) if len(message.body) <= MAX_BODY else {}
    saga_id = told.get("correlationid") or told.get("subject")
    complete = {"time": message.timestamp or datetime.now(UTC)} | told | {"type": message.routing_key}
    named = {"subject": saga_id, "correlationid": saga_id, "data": _Unknown(saga=str(saga_id))}
    return envelopes_of(Event).validate_python(complete | named)


class _Unknown(Event):
    saga: str

    @property
    def saga_id(self) -> str:
        return self.saga
