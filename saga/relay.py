"""From the outbox to the broker."""

import asyncio
from collections import deque
from collections.abc import Sequence
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
from saga.metrics import PUBLISHED, RETURNED
from saga.outbox import Said
from saga.publisher import Encoded, Publisher
from saga.waiting import Doorbell, backoffs

log = structlog.get_logger()

WINDOW = 500
"""Rows that are published and confirmed together."""
MOST_IN_HAND = 4 * WINDOW
"""Rows. What is said beyond them waits in the outbox, and not in memory."""
LEASE = timedelta(seconds=5)
"""Far longer than a window takes; who is slower says things twice, and others hear them once."""
IDLE_PAUSES = (0.5, 1.0, 2.0, 5.0)
"""Seconds between looks into the outbox: what another process left behind is found so."""


class Relay:
    """Publishes what the outbox holds; a row leaves it only when its own confirm has come.

    It is handed most rows by who has stored them, and looks for those that nobody is at. `archives`: a row then goes
    where it can be said again from, and is forgotten otherwise.
    """

    def __init__(self, service: str, pool: Pool, amqp_url: str, *, archives: bool) -> None:
        self._service = service
        self._pool = pool
        self._user = user(amqp_url)
        self._remove = sql.archive_outbox if archives else sql.delete_outbox
        self.publisher = Publisher(amqp_url, f"{service} outbox")
        self._in_hand: deque[Said] = deque()
        self._looks_at = 0.0
        self._doorbell = Doorbell()
        self._stopping = False
        self._stopped = asyncio.Event()

    def lease(self, pieces: int) -> timedelta:
        is_free = len(self._in_hand) + pieces <= MOST_IN_HAND
        return LEASE if is_free and self.publisher.connected and not self._stopping else NONE

    def take(self, work: Sequence[Said]) -> None:
        self._in_hand.extend(work)
        if not work:
            self._looks_at = 0
        self._doorbell.ring()

    async def run(self) -> None:
        """Until stopped; a broker or database that is lost or refuses makes it wait, longer each time."""
        pauses = iter(IDLE_PAUSES)
        failures = backoffs()
        while True:
            try:
                await self.publisher.open()  # also when there is nothing to say: readiness tells whether we could
                if self._in_hand:
                    await self._publish_in_hand()
                if monotonic() >= self._looks_at:
                    found = await self.publish_window()
                    pauses = iter(IDLE_PAUSES) if found else pauses
                    self._looks_at = 0 if found == WINDOW else monotonic() + next(pauses, IDLE_PAUSES[-1])
                failures = backoffs()
            except (ServerAway, CannotStart, asyncpg.PostgresError) as error:
                self._in_hand.clear()  # it is in the outbox, and found there when its lease has ended
                if self._stopping:
                    break
                pause = next(failures)
                log.warning("outbox.waiting", cause=str(error), seconds=round(pause, 1))
                await asyncio.sleep(pause)
                pauses, self._looks_at = iter(IDLE_PAUSES), 0
                continue
            pause = self._looks_at - monotonic()
            if pause > 0 and not self._in_hand:
                if self._stopping:
                    break
                await self._doorbell.wait(pause)
        await self.publisher.close()
        self._stopped.set()

    async def stop(self) -> None:
        """Publish what is left, then end."""
        self._stopping = True
        self._looks_at = 0
        self._doorbell.ring()
        await self._stopped.wait()

    async def publish_window(self) -> int:
        """Publish up to a window of rows that are due; how many there were. They stay locked meanwhile."""
        async with transaction(self._pool) as tx:
            rows = [Said(**row) for row in await tx.fetch(sql.take_outbox, WINDOW)]
            if not rows:
                return 0
            window = await self._publish(rows)
            await self._forget(tx, rows, window)
        self._published(window)
        return len(rows)

    async def _publish_in_hand(self) -> None:
        """The same with rows that are ours under a lease."""
        rows = [self._in_hand.popleft() for _ in range(min(WINDOW, len(self._in_hand)))]
        window = await self._publish(rows)
        async with transaction(self._pool) as tx:
            await self._forget(tx, rows, window)
        self._published(window)

    async def _publish(self, rows: Sequence[Said]) -> Window:
        faultpoints.reach(Point.TAKEN)
        window = await self.publisher.publish([self._encoded(row) for row in rows])
        faultpoints.reach(Point.CONFIRMED)
        return window

    async def _forget(self, tx: Tx, rows: Sequence[Said], window: Window) -> None:
        """Those that were confirmed; those that were returned are held back."""
        await tx.execute(self._remove, [rows[index].position for index in window.confirmed])
        if window.returned:
            self._warn(await tx.fetch(sql.hold_outbox, [rows[index].position for index in window.returned]))
        faultpoints.reach(Point.FORGOTTEN)

    def _published(self, window: Window) -> None:
        """Raises BrokerAway when it isn't known of all of them."""
        faultpoints.reach(Point.RELAYED)
        PUBLISHED.labels(self._service).inc(len(window.confirmed))
        if window.lost is not None:
            raise BrokerAway(str(window.lost) or type(window.lost).__name__)

    def _encoded(self, row: Said) -> Encoded:
        content = Content.persistent(
            row.body,
            content_type=CONTENT_TYPE,
            correlation_id=row.saga_id,
            message_id=str(row.id),
            at=row.said_at,
            event_type=row.routing_key,
            user=self._user,
            app=self._service,
        )
        return Encoded(content, row.exchange, row.routing_key)

    def _warn(self, held: Sequence[asyncpg.Record]) -> None:
        RETURNED.labels(self._service).inc(len(held))
        for row in held:
            log.error("outbox.parked" if row["parked"] else "outbox.returned", **dict(row, id=str(row["id"])))
