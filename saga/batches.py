"""Which messages are handled together."""

import asyncio
import random
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

from saga.broker import Incoming

SUSPECT = 2
"""Redeliveries after which a message may be the one that takes the process down."""

M = TypeVar("M", bound=Incoming)


class Inbound(Generic[M]):
    """What has been delivered and not yet taken, in order; until the session is over, and nothing more comes."""

    def __init__(self) -> None:
        self._arrived: deque[M] = deque()
        self._news = asyncio.Event()
        self._is_over = False

    def __len__(self) -> int:
        return len(self._arrived)

    def put(self, message: M) -> None:
        self._arrived.append(message)
        self._news.set()

    def end(self) -> None:
        self._is_over = True
        self._news.set()

    async def wait(self) -> None:
        """Return when there is something to take, or nothing more to come."""
        if not self._arrived and not self._is_over:
            self._news.clear()
            await self._news.wait()

    def take(self, most: int) -> list[M]:
        """What has arrived already, waiting for nothing; nothing, if the session is over."""
        return [self._arrived.popleft() for _ in range(min(most, len(self._arrived)))]


def cohorts(batch: Sequence[M], most: int) -> Iterator[Sequence[M]]:
    """Which messages of a batch to handle together: all of them, unless the process has died over some already.

    What it dies over counts as redelivered, the innocent beside the culprit as well. Therefore each further redelivery
    quarters the company a message is handled in, down to itself alone; and the order is drawn by lot, so that at every
    attempt another half of the innocent gets past the culprit, long before the broker parks what it has delivered
    too often.
    """
    suspects = [message for message in batch if redeliveries(message) >= SUSPECT]
    if not suspects:
        yield batch
        return
    if trusted := [message for message in batch if redeliveries(message) < SUSPECT]:
        yield trusted
    random.shuffle(suspects)
    while suspects:
        company = max(most >> 2 * (max(map(redeliveries, suspects)) - SUSPECT + 1), 1)
        yield suspects[:company]
        del suspects[:company]


def redeliveries(message: Incoming) -> int:
    counted = message.headers.get("x-delivery-count", 0)
    return counted if isinstance(counted, int) else 0
