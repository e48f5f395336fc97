"""For which messages a step is to run: inbox and fence in one statement, for each is a way to the database and back."""

from collections.abc import Sequence

from events import Envelope, Message
from saga import inbox
from saga.database import Tx, sql
from saga.declarations import Step

_Messages = list[Envelope[Message]]


async def admit(tx: Tx, step: Step, causes: Sequence[Envelope[Message]]) -> tuple[_Messages, _Messages]:
    """The messages that have never been handled, and those of them that the fence lets in; both in order.

    As `inbox.admit` and then `fence.enter`, for a step that has a fence and waits for one fact.
    """
    once = inbox.distinct(causes)
    statement, fenced = (sql.admit_to_do, step) if step.undoes is None else (sql.admit_to_undo, step.undoes)
    rows = await tx.fetch(statement, *inbox.columns(once), fenced.name)
    entered = {once[row["place"]].saga_id: once[row["place"]] for row in reversed(rows) if row["entered"]}
    return [once[row["place"]] for row in rows], list(reversed(entered.values()))
