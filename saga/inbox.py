"""Each message once: a message is new if, and only if, its row could be inserted."""

from collections.abc import Sequence

from events import Envelope, Message
from saga.database import Tx, sql


async def admit(tx: Tx, causes: Sequence[Envelope[Message]]) -> list[Envelope[Message]]:
    """The messages that have never been handled, in order. They are remembered if `tx` commits.

    Rows are inserted in the order of their key, so that two transactions never wait for each other in a circle.
    """
    waiting = {(cause.day, cause.source, cause.id): cause for cause in causes}
    days, sources, ids = zip(*sorted(waiting), strict=True)
    rows = await tx.fetch(sql.remember_messages, days, sources, ids)
    new = {(row["day"], row["source"], row["id"]) for row in rows}
    return [cause for key, cause in waiting.items() if key in new]
