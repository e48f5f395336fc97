"""Pages that follow what happens: rendered once a second for all who look, and never while nobody looks."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from time import monotonic

import structlog

from observer_service.views import View
from saga import Pool, Tx, transaction
from saga.errors import ServerAway

log = structlog.get_logger()

EVERY = 1.0
"""Seconds between two looks."""
REST = 0.1
"""Seconds that pass between them at least, however long one takes."""


class Live:
    """Who looks at the same, looks together. All looks of a second are taken in one transaction."""

    def __init__(self) -> None:
        self.looks = 0
        self._watched: Counter[View] = Counter()
        self._shown: dict[View, Mapping[str, str]] = {}
        self._news = asyncio.Condition()
        self._looking: asyncio.Task[None] | None = None

    async def watch(
        self, view: View, pool: Pool, stopping: asyncio.Event, until: datetime
    ) -> AsyncGenerator[dict[str, str]]:
        """Once a second the fragments that have changed, by their ids; at first all, and often none.

        Ends when the service stops, and at `until`. While the database is away there is silence.
        """
        self._watched[view] += 1
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(pool, stopping))
        seen: Mapping[str, str] = {}
        try:
            while not self._looking.done() and datetime.now(UTC) < until:
                async with self._news:
                    await self._news.wait()
                if (shown := self._shown.get(view)) is not None:
                    yield {part: html for part, html in shown.items() if seen.get(part) != html}
                    seen = shown
                if stopping.is_set():
                    return
        finally:
            self._watched[view] -= 1
            if not self._watched[view]:
                del self._watched[view]
                self._shown.pop(view, None)

    async def _look(self, pool: Pool, stopping: asyncio.Event) -> None:
        try:
            while self._watched and not stopping.is_set():
                began = monotonic()
                try:
                    await self._look_once(pool)
                except ServerAway as error:
                    log.warning("pages.not_live", cause=str(error))
                with suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), max(EVERY - (monotonic() - began), REST))
        finally:
            async with self._news:
                self._news.notify_all()

    async def _look_once(self, pool: Pool) -> None:
        self.looks += 1
        async with transaction(pool) as tx:
            shown = {view: await _fragments(view, tx) for view in list(self._watched)}
        async with self._news:
            self._shown = shown
            self._news.notify_all()


async def _fragments(view: View, tx: Tx) -> Mapping[str, str]:
    """None, of what is there no more."""
    try:
        return await view.fragments(tx)
    except LookupError:
        return {}
