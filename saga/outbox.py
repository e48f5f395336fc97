"""What a participant says commits with what it did, and leaves only when the broker has confirmed it."""

from collections.abc import Sequence
from datetime import UTC, datetime

import uuid_utils.compat as uuid

from events import Envelope, Event, Message
from saga.database import Tx, sql
from saga.tracing import child_of


def enveloped(event: Event, cause: Envelope[Message], source: str) -> Envelope[Event]:
    """The event as it will be published, caused by `cause` and in its trace."""
    return Envelope[Event](
        id=str(uuid.uuid7()),
        source=source,
        type=event.event_type,
        subject=event.saga_id,
        time=datetime.now(UTC),
        correlationid=event.saga_id,
        causationid=cause.id,
        traceparent=child_of(cause.traceparent),
        data=event,
    )


async def store(tx: Tx, said: Sequence[Envelope[Event]]) -> None:
    """The events will be published at least once if `tx` commits, and never if it doesn't."""
    if not said:
        return
    rows = [(uuid.UUID(e.id), e.data.exchange, e.type, e.saga_id, e.traceparent, e.encode()) for e in said]
    await tx.execute(sql.store_outbox, *zip(*rows, strict=True))
