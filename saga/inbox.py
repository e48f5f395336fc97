"""Each message once: a message is new if, and only if, its row could be inserted."""

from collections.abc import Sequence

from events import Envelope, Message
from saga.database import Tx, sql


async def admit(tx: Tx, causes: Sequence[Envelope[Message]]) -> list[Envelope[Message]]:
    """The messages that have never been handled, in order. They are remembered if `tx` commits."""
    once = distinct(causes)
    days, sources, ids, places, _ = columns(once)
    return [once[row["place"]] for row in await tx.fetch(sql.remember_messages, days, sources, ids, places)]


def distinct(causes: Sequence[Envelope[Message]]) -> list[Envelope[Message]]:
    """Each message once, though it may have been delivered twice at a time."""
    return list({(cause.day, cause.source, cause.id): cause for cause in causes}.values())


def columns(once: Sequence[Envelope[Message]]) -> tuple[Sequence[object], ...]:
    """Days, sources, ids, places and sagas of some messages, at least one.

    They are in the order of their key, so that two transactions never wait for each other in a circle.
    """
    rows = sorted((cause.day, cause.source, cause.id, place, cause.saga_id) for place, cause in enumerate(once))
    return tuple(zip(*rows, strict=True))
