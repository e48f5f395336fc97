"""A service and its database: every message is handled in one local transaction, or not at all."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from uuid_utils import uuid7

from events import Decoder, Envelope, Event, Message
from saga import admission, calls, faultpoints, fence, inbox, joining, outbox, tracing, written
from saga.broker import Incoming, Names, delivery
from saga.calls import OpenCall
from saga.database import Pool, Tx, transaction
from saga.declarations import Refusing, Settlement, Step
from saga.errors import HandlerTooSlow, UndeclaredAnswer
from saga.faultpoints import Point
from saga.hands import Hands, Nobody
from saga.messages import Call, Kind, Refusal, wire_name
from saga.metrics import DUPLICATES, HANDLED, SKIPPED
from saga.outbox import Said
from saga.retries import origin
from saga.service import Service
from saga.spans import Spans, Tracer
from saga.tracing import Cause

HANDLER_TIMEOUT = 30
"""Seconds. A handler computes and asks its own database; one that takes longer must not hold up the queue."""


@dataclass(slots=True)
class Consequences:
    """What follows from the steps of one transaction: what `source` says, and what it asks of the outside world.

    `rows` and `open` are that again, as it has been stored under a lease; `spans` are what is recorded of it.
    """

    source: str
    spans: Spans = field(default_factory=Spans)
    said: list[Envelope[Event]] = field(default_factory=list)
    called: list[tuple[str, Call, Cause]] = field(default_factory=list)
    rows: Sequence[Said] = ()
    open: Sequence[OpenCall] = ()

    def add(self, declared: Step | Settlement | Refusing, step: str, cause: Cause, answer: Any) -> None:
        if answer is not None and type(answer) not in declared.answers:
            raise UndeclaredAnswer(declared.name, type(answer).__name__)
        if isinstance(answer, Event):
            self.said.append(outbox.enveloped(answer, cause, self.source, self.spans.saying(cause)))
        elif isinstance(answer, Call):
            self.called.append((step, answer, cause))

    async def store(self, tx: Tx, relay: Hands[Said], caller: Hands[OpenCall]) -> None:
        """What these can go on with themselves is theirs for a while; `hand_over` it after the commit."""
        lease = relay.lease(len(self.said))
        rows = await outbox.store(tx, self.said, lease)
        self.rows = rows if lease else ()
        lease = caller.lease(len(self.called))
        stored = await calls.store(tx, self.source, self.called, lease)
        self.open = stored if lease else ()

    def hand_over(self, relay: Hands[Said], caller: Hands[OpenCall]) -> None:
        if self.said:
            relay.take(self.rows)
        if self.called:
            caller.take(self.open)
        self.spans.committed(self.said)


@dataclass(frozen=True, slots=True)
class Performed:
    """What a step has done in a transaction: of so many causes, so many were new, and so many did the fence let in.

    Where it joins several facts, `waiting` of the new ones are kept until the others come.

    The handler ran for those that were due: on the open calls of the others their undo is noted.
    """

    step: Step
    causes: int
    fresh: int
    waiting: int
    entered: int
    due: int
    follows: Consequences


@dataclass
class Participant:
    """`relay` and `caller` go on with what has been committed; without them, it is stored for others to find."""

    service: Service
    pool: Pool
    relay: Hands[Said] = field(default_factory=Nobody)
    caller: Hands[OpenCall] = field(default_factory=Nobody)
    tracer: Tracer = field(default_factory=Tracer)

    def __post_init__(self) -> None:
        self._names = Names(self.service.name)
        self._decoder = Decoder(self.service.heard)
        self._steps = {event: self.service.step_for(event) for event in self.service.heard}
        self.only_listens = all(step.kind is Kind.LISTENER for step in self._steps.values())

    def understand(self, message: Incoming) -> tuple[Step, Envelope[Event]]:
        """What it is, and the step that handles it. Raises InvalidMessage."""
        _, routing_key = origin(message, self._names)
        envelope = self._decoder.decode(delivery(message, routing_key))
        return self._steps[type(envelope.data)], envelope

    async def handle(self, step: Step, causes: Sequence[Envelope[Message]]) -> list[Envelope[Event]]:
        """Run the step for each cause that is news to it, and store what follows from that.

        Inbox, fence, the handler's own work, outbox and calls commit together. Raises what the handler raises, after
        which nothing has happened; DatabaseAway, when it isn't known to have happened.
        """
        with self.tracer.attempt(step, causes):
            async with transaction(self.pool) as tx, in_time(step.name):
                done = await self.perform(tx, step, causes)
                faultpoints.reach(Point.HANDLED)
        faultpoints.reach(Point.COMMITTED)
        self.committed(done)
        return done.follows.said

    async def perform(self, tx: Tx, step: Step, causes: Sequence[Envelope[Message]]) -> Performed:
        """All that handling these causes does, in a transaction that is the caller's to commit, or not to."""
        follows = self._consequences()
        if step.joins:
            fresh = await inbox.admit(tx, causes)
            whole = await joining.gather(tx, step, fresh)
            entered = await fence.enter(tx, step, whole)
        elif step.fenced:
            fresh, entered = await admission.admit(tx, step, causes)
            whole = fresh
        else:
            fresh = whole = entered = await inbox.admit(tx, causes)
        due = await self._due(tx, step, entered)
        follows.spans.admitted(step, causes, fresh, whole, entered, due)
        await self._run(tx, step, due, follows)
        await self._store(tx, follows)
        return Performed(step, len(causes), len(fresh), len(fresh) - len(whole), len(entered), len(due), follows)

    def committed(self, done: Performed) -> None:
        """Count what has been committed, and hand it to those who go on from there."""
        HANDLED.labels(self.service.name, done.step.name).inc(done.entered)
        SKIPPED.labels(self.service.name, done.step.name).inc(done.fresh - done.waiting - done.entered)
        DUPLICATES.labels(self.service.name).inc(done.causes - done.fresh)
        self._hand_over(done.follows)

    async def ask(self, message: Message, identity: str | None = None) -> list[Envelope[Event]]:
        """Run the step that answers what came through our own door, unless it has run before; the events that it said.

        A command is fenced like an event, and an event asked for is handled as if it had been heard. `identity` is
        the sender's own name for the request, if there is one.
        """
        cause = self.asked(message, "api", identity)
        return await self.handle(self.service.step_for(type(message)), [cause])

    def asked(self, message: Message, door: str, identity: str | None = None) -> Envelope[Message]:
        """What came through a door of our own, in an envelope like any other cause, and in the request's trace."""
        return Envelope(
            id=identity or str(uuid7()),
            source=f"{self.service.name}/{door}",
            type=wire_name(type(message)),
            subject=message.saga_id,
            time=datetime.now(UTC),
            correlationid=message.saga_id,
            traceparent=tracing.request.get(),
            data=message,
        )

    async def refuse(self, step: Step, refusal: Refusal, cause: Envelope[Message]) -> list[Envelope[Event]] | None:
        """Answer for a step that it refuses, unless the fence has it already; what it said, or None.

        The fence counts it as done: its own message changes nothing any more, should it come after all.
        """
        refusing = self.service.refusals[step.name]
        follows = self._consequences()
        async with transaction(self.pool) as tx, in_time(refusing.name):
            if not await fence.enter(tx, step, [cause]):
                return None
            follows.add(refusing, step.name, cause, await refusing.handler(refusal, tx))
            await self._store(tx, follows)
        self._hand_over(follows)
        return follows.said

    async def settle(self, outcomes: Sequence[tuple[OpenCall, object]]) -> None:
        """Record the outcomes of calls, the first of each, and close these, all or nothing.

        What undo was noted on them is carried out, unless the outcome has led to another call: then it waits for that.
        """
        follows, undone = self._consequences(), self._consequences()
        async with transaction(self.pool) as tx:
            closed = await calls.close(tx, [call for call, _ in outcomes])
            undos = list(filter(None, closed.values()))
            settled: defaultdict[type[Call], list[tuple[OpenCall, object]]] = defaultdict(list)
            for call, outcome in outcomes:
                if call.id in closed:
                    del closed[call.id]
                    settled[type(call.call)].append((call, outcome))
            for kind, ours in settled.items():
                await self._record(tx, self.service.settlements[kind], ours, follows)
            await self._store(tx, follows)
            for undo in undos:
                step = self.service.steps[undo.step]
                cause = written.envelope(written.by_name(step.hears), undo.cause)
                await self._run(tx, step, await self._due(tx, step, [cause]), undone)
            await self._store(tx, undone)
            faultpoints.reach(Point.SETTLING)
        faultpoints.reach(Point.SETTLED)
        self._hand_over(follows)
        self._hand_over(undone)

    async def _due(self, tx: Tx, step: Step, causes: Sequence[Envelope[Message]]) -> Sequence[Envelope[Message]]:
        """Those for which it can run now. An undo waits for the calls of what it undoes."""
        return await calls.defer_undo(tx, step, step.undoes, causes) if step.undoes else causes

    async def _run(self, tx: Tx, step: Step, causes: Sequence[Envelope[Message]], follows: Consequences) -> None:
        if step.joins:
            answers = [await step.handler(*await joining.facts_of(tx, step, cause.saga_id), tx) for cause in causes]
        elif step.batch and causes:
            answers = await step.handler([cause.data for cause in causes], tx) or [None] * len(causes)
        else:
            answers = [await step.handler(cause.data, tx) for cause in causes]
        for cause, answer in zip(follows.spans.handled(step, causes), answers, strict=True):
            follows.add(step, step.name, cause, answer)

    async def _record(
        self, tx: Tx, settlement: Settlement, outcomes: Sequence[tuple[OpenCall, object]], follows: Consequences
    ) -> None:
        requests, told = [call.call for call, _ in outcomes], [outcome for _, outcome in outcomes]
        if settlement.batch:
            answers = await settlement.handler(requests, told, tx) or [None] * len(outcomes)
        else:
            answers = [
                await settlement.handler(request, outcome, tx) for request, outcome in zip(requests, told, strict=True)
            ]
        for (call, _), answer in zip(outcomes, answers, strict=True):
            follows.add(settlement, call.step, call.cause, answer)

    def _consequences(self) -> Consequences:
        return Consequences(self.service.name, self.tracer.transaction())

    async def _store(self, tx: Tx, follows: Consequences) -> None:
        await follows.store(tx, self.relay, self.caller)

    def _hand_over(self, follows: Consequences) -> None:
        follows.hand_over(self.relay, self.caller)


@asynccontextmanager
async def in_time(step: str) -> AsyncIterator[None]:
    """Raises HandlerTooSlow when what is done here takes too long."""
    try:
        async with asyncio.timeout(HANDLER_TIMEOUT) as limit:
            yield
    except TimeoutError:
        if limit.expired():
            raise HandlerTooSlow(step, HANDLER_TIMEOUT) from None
        raise
