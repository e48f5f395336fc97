"""The runtime with one mechanism broken at a time. A fault suite that doesn't notice proves nothing."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

from events import Envelope, Message
from saga import admission, calls, faultpoints, fence, inbox
from saga.amqp import Connection, Content, Received, Window, connection, frames
from saga.caller import Caller
from saga.calls import OpenCall
from saga.consumer import Consumer
from saga.database import Tx, sql, transaction
from saga.declarations import Step
from saga.faultpoints import Point
from saga.hands import Nobody
from saga.messages import Call
from saga.outbox import Said
from saga.participant import Consequences
from saga.relay import WINDOW, Relay
from saga.tracing import Cause

_Messages = Sequence[Envelope[Message]]


def acknowledge_before_commit() -> None:
    async def _handle(self: Consumer[Any], connection: Connection, batch: Sequence[Received]) -> None:
        faultpoints.reach(Point.RECEIVED)
        connection.ack(batch[-1].tag, multiple=True)
        await self._handle_groups(batch)
        faultpoints.reach(Point.ACKNOWLEDGED)

    _replace(Consumer, _handle)


def forget_the_inbox() -> None:
    async def admit(tx: Tx, step: Step, causes: _Messages) -> tuple[_Messages, _Messages]:
        return causes, await fence.enter(tx, step, causes)

    async def admit_all(_: Tx, causes: _Messages) -> _Messages:
        return list(causes)

    _replace(admission, admit)
    _replace(inbox, admit_all, "admit")


def take_down_the_fence() -> None:
    async def admit(tx: Tx, _: Step, causes: _Messages) -> tuple[_Messages, _Messages]:
        fresh = await inbox.admit(tx, causes)
        return fresh, fresh

    async def enter(_tx: Tx, _step: Step, causes: _Messages) -> _Messages:
        return list(causes)

    _replace(admission, admit)
    _replace(fence, enter)


def delete_before_confirm() -> None:
    publish = Relay._publish

    async def _publish(self: Relay, rows: Sequence[Said]) -> Window:
        async with transaction(self._pool) as tx:
            await tx.execute(sql.delete_outbox, [row.id for row in rows])
            faultpoints.reach(Point.FORGOTTEN)
        faultpoints.reach(Point.RELAYED)
        return await publish(self, rows)

    async def publish_window(self: Relay) -> int:
        async with transaction(self._pool) as tx:
            rows = [Said(**row) for row in await tx.fetch(sql.take_outbox, WINDOW)]
        if rows:
            await self._publish(rows)
        return len(rows)

    _replace(Relay, _publish)
    _replace(Relay, publish_window)


def publish_without_mandatory() -> None:
    as_it_should_be = frames.published

    def published(exchange: str, routing_key: str, content: Content, most: int) -> list[bytes]:
        head, method, *rest = as_it_should_be(exchange, routing_key, content, most)
        return [head, method[:-1] + b"\x00", *rest]

    _replace(connection, published)


def call_inside_the_transaction() -> None:
    callers: list[Caller] = []
    prepare = Caller.__init__

    def __init__(self: Caller, *arguments: Any) -> None:  # noqa: N807 — it replaces one
        prepare(self, *arguments)
        callers.append(self)

    async def store(tx: Tx, _: str, called: Sequence[tuple[str, Call, Cause]], lease: timedelta) -> list[OpenCall]:
        for step, call, cause in called:
            service = callers[0]._participant.service
            outcome = await callers[0]._performers[type(call)](call, uuid4())
            faultpoints.reach(Point.ANSWERED)
            settlement = service.settlements[type(call)]
            follows = Consequences(service.name)
            await callers[0]._participant._record(
                tx, settlement, [(OpenCall(uuid4(), call.saga_id, step, call, cause, 1), outcome)], follows
            )
            await follows.store(tx, Nobody(), Nobody())
        return []

    _replace(Caller, __init__)
    _replace(calls, store)


def _replace(where: object, mutant: Callable[..., Any], name: str = "") -> None:
    """A mutant that replaces nothing would prove nothing."""
    name = name or mutant.__name__
    if not callable(getattr(where, name)):
        raise TypeError(name)
    setattr(where, name, mutant)


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
