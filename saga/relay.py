"""From the outbox to the broker."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic

import asyncpg
import structlog

from events import CONTENT_TYPE
from saga import faultpoints
from saga.amqp import Content, Window
from saga.broker import user
from saga.database import Pool, Tx, sql, transaction
from saga.errors import BrokerAway, CannotStart, ServerAway
from saga.faultpoints import Point
from saga.hands import NONE
from saga.metrics import CONFIRM_SECONDS, PUBLISHED, RETURNED
from saga.outbox import Said
from saga.publisher import Encoded, Publisher
from saga.waiting import Doorbell, backoffs

log = structlog.get_logger()

WINDOW = 500
"""Rows that are found, published and confirmed together."""
MOST_IN_HAND = 4 * WINDOW
"""Rows. What is said beyond them waits in the outbox, and not in memory."""
LEASE = timedelta(seconds=5)
"""Far longer than a confirm takes; who is slower says things twice, and others hear them once."""
IDLE_PAUSES = (0.5, 1.0, 2.0, 5.0)
"""Seconds between looks into the outbox: what another process left behind is found so."""
FORGETTING_PAUSE = 0.1
"""Seconds that confirmed rows wait for others to be forgotten with: a transaction for each window would cost more than
all else that is done for it, and a process that is killed meanwhile says twice what others hear once."""


class Relay:
    """Publishes what the outbox holds; a row leaves it only when its own confirm has come.

    It is handed most rows by who has stored them, and looks for those that nobody is at. What was said is kept, to be
    said again, if it `archives`.
    """

    def __init__(self, service: str, pool: Pool, amqp_url: str, *, archives: bool) -> None:
        self._service = service
        RETURNED.labels(service)  # there from the start, as 0
        self._pool = pool
        self._user = user(amqp_url)
        self._remove = sql.delete_outbox if archives else sql.delete_said
        self.publisher = Publisher(amqp_url, f"{service} outbox")
        self._windows: asyncio.TaskGroup | None = None
        self._in_hand = 0
        self._told = _Told()
        self._forgets_at = self._looks_at = 0.0
        self._doorbell = Doorbell()
        self._stopping = False
        self._stopped = asyncio.Event()

    def lease(self, pieces: int) -> timedelta:
        is_free = self._in_hand + pieces <= MOST_IN_HAND
        return LEASE if is_free and self._windows and self.publisher.connected and not self._stopping else NONE

    def take(self, work: Sequence[Said]) -> None:
        """Publish these at once, whatever else is on its way."""
        if work and self._windows:
            self._in_hand += len(work)
            self._windows.create_task(self._publish_in_hand(work))
        else:
            self._looks_at = 0
            self._doorbell.ring()

    async def run(self) -> None:
        """Until stopped; a broker or database that is lost or refuses makes it wait, longer each time."""
        pauses = iter(IDLE_PAUSES)
        failures = backoffs()
        async with asyncio.TaskGroup() as self._windows:
            while True:
                try:
                    if self._told and monotonic() >= self._forgets_at:
                        await self._forget_told()
                    await self.publisher.open()  # also when there is nothing to say: readiness tells whether we could
                    if monotonic() >= self._looks_at:
                        found = await self.publish_window()
                        pauses = iter(IDLE_PAUSES) if found else pauses
                        self._looks_at = 0 if found == WINDOW else monotonic() + next(pauses, IDLE_PAUSES[-1])
                    failures = backoffs()
                except (ServerAway, CannotStart, asyncpg.PostgresError, TimeoutError) as error:
                    if self._stopping:
                        break
                    pause = next(failures)
                    log.warning("outbox.waiting", cause=_why(error), seconds=round(pause, 1))
                    await asyncio.sleep(pause)
                    pauses, self._looks_at = iter(IDLE_PAUSES), 0
                    continue
                due = min(self._looks_at, self._forgets_at) if self._told else self._looks_at
                if (pause := due - monotonic()) > 0:
                    if self._stopping and not self._in_hand:
                        break
                    await self._doorbell.wait(pause)
        self._windows = None
        await self.publisher.close()
        self._stopped.set()

    async def stop(self) -> None:
        """Publish what is left, then end."""
        self._stopping = True
        self._looks_at = self._forgets_at = 0
        self._doorbell.ring()
        await self._stopped.wait()

    async def publish_window(self) -> int:
        """Publish up to a window of rows that are due; how many there were. They stay locked meanwhile.

        Raises BrokerAway when it isn't known of all of them.
        """
        async with transaction(self._pool) as tx:
            rows = [Said(**row) for row in await tx.fetch(sql.take_outbox, WINDOW)]
            if not rows:
                return 0
            window = await self._publish(rows)
            told = _Told()
            told.add(rows, window)
            await self._forget(tx, told)
        self._forgotten(told)
        if window.lost is not None:
            raise BrokerAway(_why(window.lost))
        return len(rows)

    async def _publish_in_hand(self, rows: Sequence[Said]) -> None:
        """The same with rows that are ours under a lease; the unconfirmed are found when that has ended."""
        try:
            window = await self._publish(rows)
        except (BrokerAway, CannotStart) as error:
            window = Window([], [], error)
        finally:
            self._in_hand -= len(rows)
        if not self._told:
            self._forgets_at = monotonic() + (0 if self._stopping else FORGETTING_PAUSE)
            self._doorbell.ring()
        self._told.add(rows, window)
        if window.lost is not None:
            self._looks_at = min(self._looks_at, monotonic() + LEASE.total_seconds())
            log.warning("outbox.unconfirmed", rows=len(rows) - len(window.confirmed), cause=_why(window.lost))

    async def _publish(self, rows: Sequence[Said]) -> Window:
        faultpoints.reach(Point.TAKEN)
        with CONFIRM_SECONDS.labels(self._service).time():
            window = await self.publisher.publish([self._encoded(row) for row in rows])
        faultpoints.reach(Point.CONFIRMED)
        return window

    async def _forget_told(self) -> None:
        """If this fails, the rows are found when their lease has ended, and published again."""
        told, self._told = self._told, _Told()
        async with transaction(self._pool) as tx:
            await self._forget(tx, told)
        self._forgotten(told)

    async def _forget(self, tx: Tx, told: "_Told") -> None:
        """Those that were confirmed; those that were returned are held back."""
        await tx.execute(self._remove, told.confirmed)
        if told.returned:
            self._warn(await tx.fetch(sql.hold_outbox, told.returned))
        faultpoints.reach(Point.FORGOTTEN)

    def _forgotten(self, told: "_Told") -> None:
        faultpoints.reach(Point.RELAYED)
        PUBLISHED.labels(self._service).inc(len(told.confirmed))

    def _encoded(self, row: Said) -> Encoded:
        content = Content.persistent(
            row.body,
            content_type=CONTENT_TYPE,
            correlation_id=row.saga_id,
            message_id=row.id,
            at=row.said_at,
            event_type=row.routing_key,
            user=self._user,
            app=self._service,
        )
        return Encoded(content, row.exchange, row.routing_key)

    def _warn(self, held: Sequence[asyncpg.Record]) -> None:
        RETURNED.labels(self._service).inc(len(held))
        for row in held:
            log.error("outbox.parked" if row["parked"] else "outbox.returned", **row)


@dataclass(slots=True)
class _Told:
    """What the broker has said of rows, by their ids."""

    confirmed: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)

    def add(self, rows: Sequence[Said], window: Window) -> None:
        self.confirmed += [rows[index].id for index in window.confirmed]
        self.returned += [rows[index].id for index in window.returned]

    def __bool__(self) -> bool:
        return bool(self.confirmed or self.returned)


def _why(lost: Exception) -> str:
    return str(lost) or type(lost).__name__
