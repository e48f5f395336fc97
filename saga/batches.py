"""Which messages are handled together."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from typing import TypeVar

from saga.broker import Incoming

SUSPECT = 2
"""Redeliveries after which a message may be the one that takes the process down."""

M = TypeVar("M", bound=Incoming)


def arrived(first: M | None, inbound: asyncio.Queue[M | None], most: int) -> list[M]:
    """What has arrived already, waiting for nothing; empty when the session is over, of which None tells."""
    batch: list[M] = []
    message = first
    while message is not None:
        batch.append(message)
        if len(batch) == most or inbound.empty():
            return batch
        message = inbound.get_nowait()
    inbound.put_nowait(None)  # the session is over after this batch
    return batch


def cohorts(batch: Sequence[M], most: int) -> Iterator[Sequence[M]]:
    """Which messages of a batch to handle together: all of them, unless the process has died over some already.

    What it dies over counts as redelivered, the innocent beside the culprit as well. Therefore each further redelivery
    quarters the company a message is handled in, down to itself alone; and the order is drawn by lot, so that at every
    attempt another half of the innocent gets past the culprit, long before the broker parks what it has delivered
    too often.
    """
    trusted = [message for message in batch if redeliveries(message) < SUSPECT]
    if trusted:
        yield trusted
    suspects = [message for message in batch if redeliveries(message) >= SUSPECT]
    random.shuffle(suspects)
    while suspects:
        company = max(most >> 2 * (max(map(redeliveries, suspects)) - SUSPECT + 1), 1)
        yield suspects[:company]
        del suspects[:company]


def redeliveries(message: Incoming) -> int:
    counted = message.headers.get("x-delivery-count", 0)
    return counted if isinstance(counted, int) else 0
