"""The runtime with one mechanism broken at a time. A fault suite that doesn't notice proves nothing."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

import saga.publisher
from events import Envelope, Message
from saga import calls, faultpoints, fence, inbox
from saga.caller import Caller
from saga.consumer import Consumer
from saga.database import Tx, sql, transaction
from saga.declarations import Step
from saga.faultpoints import Point
from saga.messages import Call
from saga.participant import Consequences
from saga.publisher import Outgoing, Publisher
from saga.relay import WINDOW, Relay


def acknowledge_before_commit() -> None:
    async def _handle(self: Consumer, batch: Sequence[AbstractIncomingMessage]) -> None:
        faultpoints.reach(Point.RECEIVED)
        await batch[-1].ack(multiple=True)
        await self._handle_groups(batch)
        faultpoints.reach(Point.ACKNOWLEDGED)

    _replace(Consumer, _handle)


def forget_the_inbox() -> None:
    async def admit(_: Tx, causes: Sequence[Envelope[Message]]) -> list[Envelope[Message]]:
        return list(causes)

    _replace(inbox, admit)


def take_down_the_fence() -> None:
    async def enter(_tx: Tx, _step: Step, causes: Sequence[Envelope[Message]]) -> list[Envelope[Message]]:
        return list(causes)

    _replace(fence, enter)


def delete_before_confirm() -> None:
    async def publish_window(self: Relay) -> int:
        async with transaction(self._pool) as tx:
            rows = await tx.fetch(sql.take_outbox, WINDOW)
            faultpoints.reach(Point.TAKEN)
            await tx.execute(sql.delete_outbox, [row["position"] for row in rows])
            faultpoints.reach(Point.FORGOTTEN)
        faultpoints.reach(Point.RELAYED)
        if rows:
            await self.publisher.publish([self._outgoing(row) for row in rows])
            faultpoints.reach(Point.CONFIRMED)
        return len(rows)

    _replace(Relay, publish_window)


def publish_without_mandatory() -> None:
    async def _publish(_: Publisher, channel: AbstractChannel, out: Outgoing) -> None:
        exchange = await channel.get_exchange(out.exchange, ensure=False)
        await exchange.publish(out.message, out.routing_key, mandatory=False, timeout=30)

    _replace(saga.publisher.Publisher, _publish)


def call_inside_the_transaction() -> None:
    callers: list[Caller] = []
    prepare = Caller.__init__

    def __init__(self: Caller, *arguments: Any) -> None:  # noqa: N807 — it replaces one
        prepare(self, *arguments)
        callers.append(self)

    async def store(tx: Tx, _: str, called: Sequence[tuple[str, Call, Envelope[Message]]]) -> None:
        for step, call, cause in called:
            service = callers[0]._participant.service
            outcome = await callers[0]._performers[type(call)](call, uuid4())
            faultpoints.reach(Point.ANSWERED)
            settlement = service.settlements[type(call)]
            follows = Consequences(service.name)
            follows.add(settlement, step, cause, await settlement.handler(call, outcome, tx))
            await follows.store(tx)

    _replace(Caller, __init__)
    _replace(calls, store)


def _replace(where: object, mutant: Callable[..., Any]) -> None:
    """A mutant that replaces nothing would prove nothing."""
    if not callable(getattr(where, mutant.__name__)):
        raise TypeError(mutant.__name__)
    setattr(where, mutant.__name__, mutant)


MUTANTS: Mapping[str, Callable[[], None]] = {
    mutate.__name__: mutate
    for mutate in (
        acknowledge_before_commit,
        forget_the_inbox,
        take_down_the_fence,
        delete_before_confirm,
        publish_without_mandatory,
        call_inside_the_transaction,
    )
}
