"""Waiting for work, and waiting out trouble."""

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic


class Doorbell:
    """Wakes one sleeper. A ring that comes before the sleep is not lost."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def wait(self, timeout: float) -> bool:  # noqa: ASYNC109 — how long to sleep is what it is for
        """True as soon as somebody rings; False after `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._rung.wait()
        except TimeoutError:
            return False
        self._rung.clear()
        return True


_LONGEST_REST = 0.05
"""Seconds. A transaction that had to wait for somebody is no reason to keep others waiting for long."""


class Pace:
    """After each spell of work, a rest of the same length, in which what is to be done together gathers.

    A transaction costs far more than one piece of work more in it. Who began the next one for whatever has come since
    would fill the processor with transactions long before it is busy with work. What comes after the rest, as all that
    a lone saga asks for does, is begun at once.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._rested_at = 0.0

    @contextmanager
    def spell(self) -> Iterator[None]:
        began = self._clock()
        try:
            yield
        finally:
            ended = self._clock()
            self._rested_at = ended + min(ended - began, _LONGEST_REST)

    def rest_left(self) -> float:
        """Seconds."""
        return max(self._rested_at - self._clock(), 0.0)


def backoffs(first: float = 0.2, longest: float = 10.0) -> Iterator[float]:
    """Seconds to wait after each failure in a row: twice as long each time, with full jitter.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    ceiling = first
    while True:
        yield random.uniform(first / 2, ceiling)  # noqa: S311 — spreading load needs no cryptographic dice
        ceiling = min(ceiling * 2, longest)
