"""Waiting for work, and waiting out trouble."""

import asyncio
import random
from collections.abc import Iterator


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


def backoffs(first: float = 0.2, longest: float = 10.0) -> Iterator[float]:
    """Seconds to wait after each failure in a row: twice as long each time, with full jitter.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    ceiling = first
    while True:
        yield random.uniform(first / 2, ceiling)  # noqa: S311 — spreading load needs no cryptographic dice
        ceiling = min(ceiling * 2, longest)
