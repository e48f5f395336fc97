"""What a participant says commits with what it did, and leaves only when the broker has confirmed it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import uuid_utils.compat as uuid

from events import Envelope, Event
from saga.database import Tx, sql
from saga.tracing import Cause

_Enveloped = Envelope[Event]


@dataclass(frozen=True, slots=True)
class Said:
    """A row of the outbox."""

    position: int
    id: UUID
    exchange: str
    routing_key: str
    saga_id: str
    body: bytes
    said_at: datetime


def enveloped(event: Event, cause: Cause, source: str, traceparent: str) -> Envelope[Event]:
    """The event as it will be published, caused by `cause`."""
    saga_id = event.saga_id
    return _Enveloped(
        id=str(uuid.uuid7()),
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
    ids = [UUID(envelope.id) for envelope in said]
    bodies = [envelope.encode() for envelope in said]
    rows = await tx.fetch(
        sql.store_outbox,
        ids,
        [envelope.data.exchange for envelope in said],
        [envelope.type for envelope in said],
        [envelope.saga_id for envelope in said],
        [envelope.traceparent for envelope in said],
        bodies,
        lease,
    )
    stored = {row["id"]: row for row in rows}
    return [
        Said(stored[key]["position"], key, e.data.exchange, e.type, e.saga_id, body, stored[key]["said_at"])
        for key, e, body in zip(ids, said, bodies, strict=True)
    ]
