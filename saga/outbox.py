"""What a participant says commits with what it did, and leaves only when the broker has confirmed it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from uuid_utils import uuid7

from events import Envelope, Event
from events.envelope import MOST_CHARACTERS
from saga.database import Tx, sql
from saga.tracing import Cause


@dataclass(frozen=True, slots=True)
class Said:
    """An event that is to be published, as it is stored."""

    id: str
    exchange: str
    routing_key: str
    saga_id: str
    body: bytes
    said_at: datetime


def enveloped(event: Event, cause: Cause, source: str, traceparent: str) -> Envelope[Event]:
    """The event as it will be published, caused by `cause`. Raises ValueError, if it belongs to no possible saga."""
    saga_id = event.saga_id
    if not 0 < len(saga_id) <= MOST_CHARACTERS or "\0" in saga_id:
        raise ValueError(f"no saga has an id of {len(saga_id)} characters, or with a NUL in it")
    return Envelope(
        id=str(uuid7()),
        source=source,
        type=event.event_type,
        subject=saga_id,
        time=datetime.now(UTC),
        correlationid=saga_id,
        causationid=cause.id,
        traceparent=traceparent,
        data=event,
    )


async def store(tx: Tx, said: Sequence[Envelope[Event]], lease: timedelta) -> list[Said]:
    """The events will be published at least once if `tx` commits, and never if it doesn't.

    Whoever looks for them finds them when the lease has ended.
    """
    if not said:
        return []
    bodies = [envelope.encode() for envelope in said]
    said_at = await tx.fetchval(
        sql.store_outbox,
        [envelope.id for envelope in said],
        [envelope.data.exchange for envelope in said],
        [envelope.type for envelope in said],
        [envelope.saga_id for envelope in said],
        [envelope.traceparent for envelope in said],
        bodies,
        lease,
    )
    return [
        Said(envelope.id, envelope.data.exchange, envelope.type, envelope.saga_id, body, said_at)
        for envelope, body in zip(said, bodies, strict=True)
    ]
