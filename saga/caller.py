"""Performs open calls to the outside world, under their own id, until their outcome is known."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import islice
from time import perf_counter
from typing import Any, Self
from uuid import UUID

import asyncpg
import structlog
from prometheus_client import Counter, Histogram

from saga import calls, faultpoints, written
from saga.calls import OpenCall
from saga.database import sql, transaction
from saga.errors import ChoreographyError, ServerAway
from saga.faultpoints import Point
from saga.hands import NONE
from saga.messages import Call
from saga.metrics import CALL_SECONDS, CALLED
from saga.participant import Participant
from saga.settings import Settings
from saga.tracing import trace_id
from saga.waiting import Doorbell, Pace, backoffs

log = structlog.get_logger()

Performer = Callable[[Any, UUID], Awaitable[object]]
"""`(call, idempotency key) -> outcome`. It raises when the outcome isn't known; a refusal is an outcome."""

_LONGEST_PAUSE = timedelta(seconds=30)
_IDLE = 1.0
"""Seconds between looks for calls that nobody is at."""
_MOST_WAITING = 1_000
"""Calls. What is asked beyond them waits in the database, and not in memory."""
_LEASE = timedelta(seconds=6)
"""Renewed while a call is in flight: so the calls of a process that was killed are taken over soon, however long a call
may take. Who loses a lease alive calls under the same key as who takes over, and only one of them closes the call."""


class Caller:
    """Takes open calls under a lease, performs them at once, and settles what came back in one transaction.

    It is handed most calls by who has stored them, and looks for those that nobody is at.
    """

    def __init__(
        self, participant: Participant, performers: Mapping[type[Call], Performer], settings: Settings
    ) -> None:
        if missing := participant.service.settlements.keys() - performers.keys():
            names = ", ".join(sorted(call.__name__ for call in missing))
            raise ChoreographyError(f"{participant.service.name}: nobody performs {names}")
        self._participant = participant
        self._tracer = participant.tracer
        self._performers = performers
        self._types = written.by_name(participant.service.settlements)
        self._meters = {call: _Meters.of(participant.service.name, call) for call in participant.service.settlements}
        self._timeout = settings.call_timeout.total_seconds()
        self._at_once = settings.calls_at_once
        self._waiting: dict[UUID, OpenCall] = {}
        self._in_flight: dict[UUID, asyncio.Task[None]] = {}
        self._answered: list[tuple[OpenCall, object]] = []
        self._renewed = perf_counter()
        self._looks_at = 0.0
        self._doorbell = Doorbell()
        self._pace = Pace()
        self._stopping = False
        self._stopped = asyncio.Event()

    def lease(self, pieces: int) -> timedelta:
        is_free = len(self._waiting) + pieces <= _MOST_WAITING
        return _LEASE if is_free and not self._stopping else NONE

    def take(self, work: Sequence[OpenCall]) -> None:
        self._waiting.update((call.id, call) for call in work)
        if work:
            faultpoints.reach(Point.LEASED)
            if not self._stopping:  # else what waits is given back
                self._start()
            self._doorbell.ring()
        else:
            self._look_now()

    async def run(self) -> None:
        """Until stopped, and then until what is in flight has been settled."""
        failures = backoffs()
        while self._types and not (self._stopping and not self._in_flight and not self._answered):
            try:
                if self._stopping:
                    await self._give_back()
                self._start()
                await self._settle()
                if perf_counter() >= self._looks_at and not self._stopping:
                    await self._look()
                await self._renew()
                failures = backoffs()
            except (ServerAway, asyncpg.PostgresError, TimeoutError) as error:
                pause = next(failures)
                log.warning("caller.waiting", cause=str(error) or type(error).__name__, seconds=round(pause, 1))
                await asyncio.sleep(pause)
                continue
            looks = self._has_room and not self._stopping
            await self._doorbell.wait(max(self._looks_at - perf_counter(), 0) if looks else _IDLE)
        self._stopped.set()

    async def stop(self) -> None:
        """Begin no more calls; wait for those in flight. What then is still open, is taken over when its lease ends."""
        self._stopping = True
        self._doorbell.ring()
        await self._stopped.wait()

    @property
    def _has_room(self) -> bool:
        return len(self._waiting) < self._at_once

    def _look_now(self) -> None:
        self._looks_at = 0
        self._doorbell.ring()

    async def _look(self) -> None:
        """Take over what nobody is at."""
        if not self._has_room:
            return
        room = self._at_once - len(self._waiting)
        async with transaction(self._participant.pool) as tx:
            rows = await tx.fetch(sql.take_calls, room, _LEASE)
        faultpoints.reach(Point.LEASED)
        self._looks_at = 0 if len(rows) == room else perf_counter() + _IDLE
        ours = self._in_flight.keys() | {call.id for call, _ in self._answered}
        for row in rows:
            try:
                call = calls.opened(row, self._types)
            except (KeyError, ValueError) as error:  # another version's; it is looked at again when its lease ends
                log.warning("call.not_understood", call=row["type"], key=str(row["id"]), cause=repr(error)[:200])
                continue
            if call.id not in ours:  # else its lease ended while the database was away
                self._waiting[call.id] = call
        self._start()

    def _start(self) -> None:
        """As many of those that wait as may be in flight."""
        for key in list(islice(self._waiting, self._at_once - len(self._in_flight))):
            self._in_flight[key] = task = asyncio.create_task(self._perform(self._waiting.pop(key)))
            task.add_done_callback(partial(self._landed, key))

    async def _give_back(self) -> None:
        """What has not begun is due for others at once."""
        if self._waiting:
            async with transaction(self._participant.pool) as tx:
                await calls.renew(tx, list(self._waiting), NONE)
            self._waiting.clear()

    def _landed(self, key: UUID, _: asyncio.Task[None]) -> None:
        del self._in_flight[key]

    async def _renew(self) -> None:
        """Keep the leases of what is still in flight or not yet settled."""
        ours = [*self._waiting, *self._in_flight, *(call.id for call, _ in self._answered)]
        if ours and perf_counter() - self._renewed > _LEASE.total_seconds() / 3:
            self._renewed = perf_counter()
            async with transaction(self._participant.pool) as tx:
                await calls.renew(tx, ours, _LEASE)

    async def _perform(self, call: OpenCall) -> None:
        """Ask the outside world, and have the answer settled, or the call repeated later under the same key."""
        meters, began = self._meters[type(call.call)], perf_counter()
        try:
            async with asyncio.timeout(self._timeout):
                outcome = await self._performers[type(call.call)](call.call, call.id)
        except Exception as error:  # noqa: BLE001 — whatever it is, the outcome isn't known
            meters.unknown.inc()
            self._tracer.called(call, perf_counter() - began, error)
            log.warning(
                "call.unanswered",
                call=type(call.call).__name__,
                **_about(call),
                key=str(call.id),
                attempts=call.attempts,
                cause=repr(error)[:200],
            )
            await self._postpone(call)
        else:
            faultpoints.reach(Point.ANSWERED)
            meters.answered.inc()
            meters.seconds.observe(seconds := perf_counter() - began)
            self._answered.append((self._tracer.called(call, seconds), outcome))
        self._doorbell.ring()

    async def _settle(self) -> None:
        """Together; where that fails, one by one, so that one outcome doesn't hold up the others."""
        if not self._answered:
            return
        await asyncio.sleep(self._pace.rest_left())
        answered, self._answered = self._answered, []
        with self._pace.spell():
            await self._settle_together(answered)

    async def _settle_together(self, answered: list[tuple[OpenCall, object]]) -> None:
        try:
            await self._participant.settle(answered)
        except ServerAway:
            self._answered = answered + self._answered
            raise
        except Exception:
            log.exception("calls.settling_apart", calls=len(answered))
            for call, outcome in answered:
                await self._settle_alone(call, outcome)

    async def _settle_alone(self, call: OpenCall, outcome: object) -> None:
        try:
            await self._participant.settle([(call, outcome)])
        except Exception:
            log.exception("call.not_settled", call=type(call.call).__name__, key=str(call.id), **_about(call))
            await self._postpone(call)

    async def _postpone(self, call: OpenCall) -> None:
        """Twice as long each time. If even that fails, the lease ends by itself."""
        pause = min(timedelta(seconds=0.25 * 2 ** min(call.attempts, 10)), _LONGEST_PAUSE)
        try:
            async with transaction(self._participant.pool) as tx:
                await calls.postpone(tx, call, pause)
        except (ServerAway, asyncpg.PostgresError, TimeoutError) as error:
            log.warning("call.left_to_its_lease", key=str(call.id), **_about(call), cause=repr(error)[:200])
        else:
            asyncio.get_running_loop().call_later(pause.total_seconds(), self._look_now)


@dataclass(frozen=True, slots=True)
class _Meters:
    """Of one kind of call; there from the start, as 0."""

    answered: Counter
    unknown: Counter
    seconds: Histogram

    @classmethod
    def of(cls, service: str, call: type[Call]) -> Self:
        name = call.__name__
        answered, unknown = (CALLED.labels(service, name, outcome) for outcome in ("answered", "unknown"))
        return cls(answered, unknown, CALL_SECONDS.labels(service, name))


def _about(call: OpenCall) -> dict[str, str]:
    return {"saga_id": call.saga_id, "trace_id": trace_id(call.cause)}
