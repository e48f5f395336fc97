"""What a service forgets as time goes by, so that years of work take up no more room than its retention does."""

import asyncio
from datetime import timedelta

import structlog

from saga.database import Pool, sql, transaction
from saga.service import Service
from saga.settings import Settings

log = structlog.get_logger()

CHUNK = 5_000
"""Rows forgotten in one transaction, at most: a short one, that holds up nobody."""
PAUSE = 0.1
"""Seconds between two chunks, for those who have work to do."""
_PATIENCE = 600
"""Seconds."""


class Housekeeping:
    """Makes coming days for what is heard and said, and drops old ones; forgets finished sagas and old steps.

    Sagas go first: while there is anything of one, its fence still stands. What can't be done now is done next time.
    """

    def __init__(self, service: Service, pool: Pool, settings: Settings) -> None:
        self._service = service
        self._pool = pool
        self._settings = settings

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            for work in (self._keep_inbox, self._keep_said, self._forget_sagas, self._forget_steps):
                try:
                    await work()
                except Exception as error:  # noqa: BLE001 — whatever it is, it can wait, and the service must not
                    log.warning("house.not_kept", work=work.__name__.strip("_"), cause=repr(error)[:200])
            await asyncio.sleep(self._settings.housekeeping.total_seconds())

    async def _keep_inbox(self) -> None:
        await self._keep(sql.keep_inbox, self._settings.inbox_retention)
        await self._forget("strays.forgotten", sql.forget_strays, self._settings.inbox_retention)

    async def _keep_said(self) -> None:
        await self._keep(sql.keep_said, self._settings.retell_horizon)

    async def _keep(self, statement: str, horizon: timedelta) -> None:
        """Make and drop days. Where none were made for long, what came meanwhile is moved into them."""
        async with transaction(self._pool) as tx:
            await tx.execute(sql.be_patient)
            await tx.execute(statement, horizon, timeout=_PATIENCE)

    async def _forget_sagas(self) -> None:
        if self._service.forget:
            await self._forget("sagas.forgotten", self._service.forget, self._settings.retention)

    async def _forget_steps(self) -> None:
        await self._forget("joined.forgotten", sql.forget_joined, self._settings.retention)
        await self._forget("fence.forgotten", sql.forget_steps, self._settings.retention)

    async def _forget(self, event: str, statement: str, retention: timedelta) -> None:
        """Chunk by chunk, until nothing is left that is older than that."""
        total = forgotten = await self._forget_chunk(statement, retention)
        while forgotten == CHUNK:
            await asyncio.sleep(PAUSE)
            forgotten = await self._forget_chunk(statement, retention)
            total += forgotten
        if total:
            log.info(event, rows=total)

    async def _forget_chunk(self, statement: str, retention: timedelta) -> int:
        async with transaction(self._pool) as tx:
            forgotten: int = await tx.fetchval(statement, retention, CHUNK)
        return forgotten
