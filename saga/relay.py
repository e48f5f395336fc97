"""From the outbox to the broker."""

import asyncio
from collections.abc import Sequence

import asyncpg
import structlog
from aio_pika import DeliveryMode, Message

from events import CONTENT_TYPE
from saga import faultpoints
from saga.broker import user
from saga.database import Pool, sql, transaction
from saga.errors import BrokerAway, CannotStart, ServerAway
from saga.faultpoints import Point
from saga.metrics import PUBLISHED, RETURNED
from saga.publisher import Outgoing, Publisher
from saga.waiting import Doorbell, backoffs

log = structlog.get_logger()

WINDOW = 500
"""Rows. The client scans all outstanding confirms at each multiple ack: larger windows cost more than they save."""
IDLE_PAUSES = (0.5, 1.0, 2.0, 5.0)
"""Seconds between looks at an outbox that nobody here wrote to: what another process left behind is found so."""


class Relay:
    """Publishes what the outbox holds; a row leaves it only when its own confirm has come.

    `archives`: it then goes where it can be said again from, and is forgotten otherwise.
    """

    def __init__(self, service: str, pool: Pool, amqp_url: str, *, archives: bool) -> None:
        self._service = service
        self._pool = pool
        self._user = user(amqp_url)
        self._remove = sql.archive_outbox if archives else sql.delete_outbox
        self.publisher = Publisher(amqp_url, f"{service} outbox")
        self.doorbell = Doorbell()
        self._stopping = False
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        """Until stopped; a broker or database that is lost or refuses makes it wait, longer each time."""
        pauses = iter(IDLE_PAUSES)
        failures = backoffs()
        while True:
            try:
                await self.publisher.open()  # also when there is nothing to say: readiness tells whether we could
                taken = await self.publish_window()
                failures = backoffs()
            except (ServerAway, CannotStart, asyncpg.PostgresError) as error:
                if self._stopping:
                    break
                pause = next(failures)
                log.warning("outbox.waiting", cause=str(error), seconds=round(pause, 1))
                await asyncio.sleep(pause)
                continue
            if taken == WINDOW or (taken and self._stopping):
                continue
            if self._stopping:
                break
            if await self.doorbell.wait(next(pauses, IDLE_PAUSES[-1])) or taken:
                pauses = iter(IDLE_PAUSES)
        await self.publisher.close()
        self._stopped.set()

    async def stop(self) -> None:
        """Publish what is left, then end."""
        self._stopping = True
        self.doorbell.ring()
        await self._stopped.wait()

    async def publish_window(self) -> int:
        """Publish up to a window of rows; how many there were. The rows stay locked until their fate is known."""
        async with transaction(self._pool) as tx:
            rows = await tx.fetch(sql.take_outbox, WINDOW)
            if not rows:
                return 0
            faultpoints.reach(Point.TAKEN)
            window = await self.publisher.publish([self._outgoing(row) for row in rows])
            faultpoints.reach(Point.CONFIRMED)
            await tx.execute(self._remove, [rows[index]["position"] for index in window.confirmed])
            if window.returned:
                held = await tx.fetch(sql.hold_outbox, [rows[index]["position"] for index in window.returned])
                self._warn(held)
            faultpoints.reach(Point.FORGOTTEN)
        faultpoints.reach(Point.RELAYED)
        PUBLISHED.labels(self._service).inc(len(window.confirmed))
        if window.lost is not None:
            raise BrokerAway(str(window.lost) or type(window.lost).__name__)
        return len(rows)

    def _outgoing(self, row: asyncpg.Record) -> Outgoing:
        message = Message(
            row["body"],
            content_type=CONTENT_TYPE,
            delivery_mode=DeliveryMode.PERSISTENT,
            message_id=str(row["id"]),
            correlation_id=row["saga_id"],
            type=row["routing_key"],
            timestamp=row["said_at"],
            app_id=self._service,
            user_id=self._user,
        )
        return Outgoing(message, row["exchange"], row["routing_key"])

    def _warn(self, held: Sequence[asyncpg.Record]) -> None:
        RETURNED.labels(self._service).inc(len(held))
        for row in held:
            log.error("outbox.parked" if row["parked"] else "outbox.returned", **dict(row, id=str(row["id"])))
