"""Each message once: a message is new if, and only if, its row could be inserted."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from events import Envelope, Message
from saga.database import Tx, sql

Key = tuple[date, str, str]
"""Day, source and id."""


async def admit(tx: Tx, causes: Sequence[Envelope[Message]]) -> list[Envelope[Message]]:
    """The messages that have never been handled, in order. They are remembered if `tx` commits."""
    by_key = keyed(causes)
    new = {key_of(row) for row in await tx.fetch(sql.remember_messages, *columns(by_key))}
    return [cause for key, cause in by_key.items() if key in new]


def keyed(causes: Iterable[Envelope[Message]]) -> dict[Key, Envelope[Message]]:
    """Each message once, though several of its name may have been delivered at a time: then the first, in order."""
    first: dict[Key, Envelope[Message]] = {}
    for cause in causes:
        first.setdefault((cause.day, cause.source, cause.id), cause)
    return first


def columns(keys: Iterable[Key]) -> tuple[Sequence[Any], Sequence[Any], Sequence[Any]]:
    """Days, sources and ids of some messages, at least one.

    They are sorted, so that two transactions never wait for each other in a circle.
    """
    days, sources, ids = zip(*sorted(keys), strict=True)
    return days, sources, ids


def key_of(row: Any) -> Key:
    """As the statements return it."""
    return row["day"], row["source"], row["id"]
