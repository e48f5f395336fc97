"""A step that waits for several facts of its saga: whoever hears the last one goes on, and nobody coordinates.

What was heard is kept in the transaction that hears it. Two facts that arrive at once meet at the row of their saga, so
one of them always sees the other.
"""

from collections import defaultdict
from collections.abc import Sequence

from pydantic_core import from_json, to_json

from events import Envelope, Message
from saga import written
from saga.database import Tx, sql
from saga.declarations import Step


async def gather(tx: Tx, step: Step, causes: Sequence[Envelope[Message]]) -> list[Envelope[Message]]:
    """Keep these facts, of each kind the first, and tell which of them make their sagas complete: one of each saga.

    A fact that comes after that is complete again, and the fence's business.
    """
    if not causes:
        return []
    heard: defaultdict[str, dict[str, object]] = defaultdict(dict)
    for cause in causes:
        heard[cause.saga_id].setdefault(str(_place(step, cause.data)), [cause.type, cause.data.model_dump(mode="json")])
    sagas = sorted(heard)
    rows = await tx.fetch(sql.join_facts, step.name, sagas, [to_json(heard[saga]).decode() for saga in sagas])
    whole = {row["saga_id"] for row in rows if row["places"] == len(step.joins)}
    last = {cause.saga_id: cause for cause in causes}
    return [cause for saga, cause in last.items() if saga in whole]


async def facts_of(tx: Tx, step: Step, saga_id: str) -> list[Message]:
    """What it has heard, in the order in which it takes them."""
    kept = from_json(await tx.fetchval(sql.joined_facts, step.name, saga_id))
    known = written.by_name(step.hears)
    facts = (kept[str(place)] for place in range(len(step.joins)))
    return [written.message(known, kind, to_json(data)) for kind, data in facts]


def _place(step: Step, fact: Message) -> int:
    return next(place for place, types in enumerate(step.joins) if type(fact) in types)
