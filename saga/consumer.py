"""From the service's queue to its handlers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar

import structlog

from events import InvalidMessage
from saga import faultpoints
from saga.amqp import Connection, Received
from saga.batches import Inbound, cohorts
from saga.broker import Incoming, Names, open_stream, reopen_stream, translated
from saga.database import CONFLICTS, Pool, reach
from saga.declarations import Step
from saga.errors import BrokerAway, CannotStart, ServerAway
from saga.faultpoints import Point
from saga.metrics import BATCH
from saga.retries import Known, Retries, attempts
from saga.service import Service
from saga.settings import Settings
from saga.waiting import Pace, backoffs

log = structlog.get_logger()

STALL = 60.0
"""Seconds without a delivery after which a queue that isn't empty means that the consumer is dead."""

COMPANY = 0.03
"""Seconds for which a message waits for others to be handled with, in a service that only listens: no saga waits for
it, and a transaction for each message would take the processor from those that one does. It is longer than a saga
takes that has the machine for itself."""

H = TypeVar("H", bound=Known)


class Hearer(Protocol[H]):
    """Who understands messages, and handles them in transactions."""

    only_listens: bool

    @property
    def service(self) -> Service: ...
    @property
    def pool(self) -> Pool: ...

    def understand(self, message: Incoming) -> tuple[Step, H] | None:
        """What it is, and who handles it; None, if nobody here needs to. Raises InvalidMessage."""
        ...

    async def handle(self, step: Step, heard: Sequence[H], /) -> Any:
        """All of them, or none."""
        ...


class Consumer(Generic[H]):
    """Takes what is there, up to a batch, and acknowledges it after commit."""

    def __init__(self, hearer: Hearer[H], retries: Retries, settings: Settings) -> None:
        self._hearer = hearer
        self._retries = retries
        self._settings = settings
        self._names = Names(hearer.service.name)
        self._held_back = hearer.service.followers if settings.restored else ()
        self._inbound = Inbound[Received]()
        self._connect = open_stream
        self._pace = Pace()
        self._stopping = False
        self._stopped = asyncio.Event()
        self._behind = 0
        self.consuming = False

    @property
    def caught_up(self) -> bool:
        """Whether as many messages have been settled as waited when this session began.

        With replicas, of which each settles some, that takes longer; or until the queue has been empty for a while.
        """
        return self.consuming and self._behind <= 0

    async def run(self) -> None:
        """Until stopped. When the broker or the database is away, nothing is consumed and no attempt is spent."""
        failures = backoffs()
        while not self._stopping:
            try:
                await self._session()
                failures = backoffs()
            except (ServerAway, CannotStart) as error:
                pause = next(failures)
                log.warning("consumer.waiting", cause=str(error), seconds=round(pause, 1))
                await asyncio.sleep(pause)
        self._stopped.set()

    async def stop(self) -> None:
        """Finish the batch in hand, then end; the broker gives the rest to others."""
        self._stopping = True
        self._inbound.end()
        await self._stopped.wait()

    async def _session(self) -> None:
        """Consume on one connection until we stop. Raises BrokerAway when it is lost."""
        await reach(self._hearer.pool)
        self._inbound = inbound = Inbound[Received]()
        connect_now, self._connect = self._connect, reopen_stream
        connection = await connect_now(self._settings.amqp_url.get_secret_value(), f"{self._names.service} queue")
        try:
            async with translated():
                self._behind = await connection.waiting(self._names.queue)
                await connection.consume(self._names.queue, self._settings.prefetch, inbound.put, inbound.end)
                self.consuming = True
                await self._consume(connection, inbound)
        finally:
            self.consuming = False
            await connection.close()

    async def _consume(self, connection: Connection, inbound: Inbound[Received]) -> None:
        while not self._stopping:
            try:
                async with asyncio.timeout(STALL):
                    await inbound.wait()
            except TimeoutError:
                await self._expect_empty(connection)
                continue
            pause = COMPANY if self._hearer.only_listens else self._pace.rest_left()
            if pause and len(inbound) < self._settings.batch:
                await asyncio.sleep(pause)
            batch = inbound.take(self._settings.batch)
            if not batch:
                break
            BATCH.labels(self._names.service).observe(len(batch))
            with self._pace.spell():
                await self._handle(connection, batch)
            self._behind -= len(batch)
        if not self._stopping:
            raise BrokerAway("the connection was lost, or the broker closed it")

    async def _expect_empty(self, connection: Connection) -> None:
        """A consumer can be dead without anybody having said so: then the queue has messages, and we get none."""
        if waiting := await connection.waiting(self._names.queue):
            log.error("consumer.stalled", messages=waiting)
            raise BrokerAway("the broker delivers nothing")
        self._behind = 0

    async def _handle(self, connection: Connection, batch: Sequence[Received]) -> None:
        """Settle every message: handled, sent to a retry tier, or parked; then acknowledge it."""
        faultpoints.reach(Point.RECEIVED)
        for cohort in cohorts(batch, self._settings.batch):
            await self._handle_groups(cohort)
            if len(cohort) == len(batch):
                connection.ack(batch[-1].tag, multiple=True)  # a cohort's last need not be
            else:
                for message in cohort:
                    connection.ack(message.tag, multiple=False)
        faultpoints.reach(Point.ACKNOWLEDGED)

    async def _handle_groups(self, batch: Sequence[Received]) -> None:
        groups: dict[tuple[Step, bool], list[tuple[Received, H]]] = {}
        refused: list[tuple[Received, InvalidMessage]] = []
        for message in batch:
            try:
                understood = self._hearer.understand(message)
            except InvalidMessage as error:
                refused.append((message, error))
                continue
            if understood is None:
                continue
            step, heard = understood
            if step in self._held_back:
                await self._retries.hold_back(message, step.name, heard)
                continue
            has_failed = attempts(message, self._names) > 0  # those keep to themselves, and spoil no other batch
            groups.setdefault((step, has_failed), []).append((message, heard))
        async with self._parked_meanwhile(refused):
            for (step, _), members in groups.items():
                await self._handle_group(step, members)

    @asynccontextmanager
    async def _parked_meanwhile(self, refused: Sequence[tuple[Received, InvalidMessage]]) -> AsyncIterator[None]:
        """By the end of the block these have parked, for which the others needn't wait."""

        async def park() -> None:
            for message, error in refused:
                await self._retries.fail(message, error)

        parking = asyncio.create_task(park()) if refused else None
        try:
            yield
        finally:
            if parking is not None:
                await parking

    async def _handle_group(self, step: Step, members: Sequence[tuple[Received, H]]) -> None:
        """In one transaction; where that fails, in halves, until the culprit is alone and only it is sent away."""
        if len(members) == 1:
            await self._handle_alone(step, *members[0])
            return
        try:
            await self._hearer.handle(step, [heard for _, heard in members])
        except ServerAway:
            raise
        except Exception as error:  # noqa: BLE001 — whatever it is, one of the messages caused it
            log.info("batch.split", step=step.name, messages=len(members), cause=repr(error)[:200])
            half = len(members) // 2
            await self._handle_group(step, members[:half])
            await self._handle_group(step, members[half:])

    async def _handle_alone(self, step: Step, message: Received, heard: H) -> None:
        """When only another transaction was in the way, it is tried again at once, a few times."""
        pauses = islice(backoffs(0.05), 3)
        while True:
            try:
                await self._hearer.handle(step, [heard])
            except ServerAway:
                raise
            except Exception as error:  # noqa: BLE001 — an accident of this message, told in its headers
                pause = next(pauses, None) if isinstance(error, CONFLICTS) else None
                if pause is None:
                    await self._retries.fail(message, error, heard)
                    return
                await asyncio.sleep(pause)
            else:
                return
