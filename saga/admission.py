"""For which messages a step is to run: inbox and fence in one statement, for each is a way to the database and back."""

from collections.abc import Sequence

from events import Envelope, Message
from saga import fence, inbox
from saga.database import Tx, sql
from saga.declarations import Step

_Messages = list[Envelope[Message]]


async def admit(tx: Tx, step: Step, causes: Sequence[Envelope[Message]]) -> tuple[_Messages, _Messages]:
    """The messages that have never been handled, and those of them that the fence lets in; both in order.

    As `inbox.admit` and then `fence.enter`, for a step that has a fence and waits for one fact. Neither waits to hear
    what the other says: a message that isn't new has entered before, or was kept out, and so it doesn't enter now.
    """
    by_key = inbox.keyed(causes)
    sagas = sorted({cause.saga_id for cause in by_key.values()})
    statement, fenced = (sql.admit_to_undo, step.undoes) if step.undoes else (sql.admit_to_do, step)
    rows = await tx.fetch(statement, *inbox.columns(by_key), sagas, fenced.name)
    new = {inbox.key_of(row) for row in rows if row["saga_id"] is None}
    fresh = [cause for key, cause in by_key.items() if key in new]
    return fresh, fence.first_of(fresh, {row["saga_id"] for row in rows})
