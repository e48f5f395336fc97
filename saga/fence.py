"""Each step once per saga, and an undo that commutes with what it undoes.

Idempotency, empty rollback and suspension, after the TCC fence of Apache Seata
(https://seata.apache.org/blog/seata-tcc-fence).
"""

from collections.abc import Container, Sequence

from events import Envelope, Message
from saga.database import Tx, sql
from saga.declarations import Step


async def enter(tx: Tx, step: Step, causes: Sequence[Envelope[Message]]) -> list[Envelope[Message]]:
    """The causes for which the step is to run now, at most one for each saga, in order.

    A step runs unless it ran before or its undo did. An undo runs unless it ran before; what it undoes never runs
    after it.
    """
    if not causes:
        return []
    sagas = sorted({cause.saga_id for cause in causes})
    if step.undoes is None:
        rows = await tx.fetch(sql.do_steps, sagas, step.name)
    else:
        rows = await tx.fetch(sql.undo_steps, sagas, step.undoes.name)
    return first_of(causes, {row["saga_id"] for row in rows})


def first_of(causes: Sequence[Envelope[Message]], sagas: Container[str]) -> list[Envelope[Message]]:
    """The first cause of each of these sagas, in order."""
    first = {cause.saga_id: cause for cause in reversed(causes)}
    return [cause for cause in causes if cause.saga_id in sagas and first[cause.saga_id] is cause]
