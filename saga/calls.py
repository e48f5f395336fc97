"""Calls to the outside world as rows: stored with the step, performed outside any transaction, then closed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from asyncpg import Record

from events import Envelope, Message
from events.envelope import envelopes_of
from saga.database import Tx, sql
from saga.declarations import Step
from saga.keys import derived
from saga.messages import Call
from saga.tracing import Cause, Caused


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A leased call. `id` is the key under which the outside world knows it."""

    id: UUID
    saga_id: str
    step: str
    call: Call
    cause: Cause
    attempts: int


def opened(row: Record, types: Mapping[str, type[Call]]) -> OpenCall:
    """A row of `saga.call`, of one of these types. Raises KeyError or ValueError, if another version wrote it."""
    return OpenCall(
        id=row["id"],
        saga_id=row["saga_id"],
        step=row["step"],
        call=types[row["type"]].model_validate_json(row["request"]),
        cause=Caused(row["causationid"], row["traceparent"]),
        attempts=row["attempts"],
    )


@dataclass(frozen=True, slots=True)
class NotedUndo:
    """An undo that came while the call was open, and is now to be carried out."""

    step: str
    cause: str


_NO_UUID = UUID("6f2d7f0e-9d53-5b1c-8a46-2f1f0c7f3a90")
"""In the place of sagas whose id is none."""


def key_of(service: str, saga_id: str, step: str, call: type[Call]) -> UUID:
    """The idempotency key, which only depends on what is asked for: a step runs once for a saga.

    So a service whose database was restored from a backup calls again under the same key.
    """
    try:
        saga = UUID(saga_id)
    except ValueError:
        saga = _NO_UUID
    return derived(saga, f"{service}/{saga_id}/{step}/{call.__name__}")


async def store(tx: Tx, service: str, calls: Sequence[tuple[str, Call, Cause]], lease: timedelta) -> list[OpenCall]:
    """The calls `(step, call, cause)` will be performed at least once if `tx` commits, and never if it doesn't.

    Whoever looks for them finds them when the lease has ended.
    """
    if not calls:
        return []
    attempts = 1 if lease else 0
    stored = [
        OpenCall(key_of(service, call.saga_id, step, type(call)), call.saga_id, step, call, cause, attempts)
        for step, call, cause in calls
    ]
    rows = [
        (c.id, c.saga_id, c.step, type(c.call).__name__, c.call.model_dump_json(), c.cause.id, c.cause.traceparent)
        for c in stored
    ]
    await tx.execute(sql.store_calls, *zip(*rows, strict=True), attempts, lease)
    return stored


async def defer_undo(tx: Tx, undo: Step, undone: Step, causes: Sequence[Envelope[Message]]) -> list[Envelope[Message]]:
    """The causes that can be undone now. On the open calls of the others the undo is noted."""
    if not causes:
        return []
    by_saga = sorted((cause.saga_id, envelopes_of(Message).dump_json(cause).decode()) for cause in causes)
    sagas, undos = zip(*by_saga, strict=True)
    open_sagas = {row["saga_id"] for row in await tx.fetch(sql.note_undo, undone.name, undo.name, sagas, undos)}
    return [cause for cause in causes if cause.saga_id not in open_sagas]


async def close(tx: Tx, calls: Sequence[OpenCall]) -> dict[UUID, NotedUndo | None]:
    """Those that nobody else has closed, with the undo that was noted on them."""
    rows = await tx.fetch(sql.close_calls, sorted(call.id for call in calls))
    return {row["id"]: NotedUndo(row["undo_step"], row["undo"]) if row["undo"] else None for row in rows}


async def renew(tx: Tx, keys: Sequence[UUID], lease: timedelta) -> None:
    """Nobody else takes these calls for as long again."""
    await tx.execute(sql.renew_calls, sorted(keys), lease)


async def postpone(tx: Tx, call: OpenCall, delay: timedelta) -> None:
    await tx.execute(sql.postpone_call, call.id, delay)
