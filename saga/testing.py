"""For tests of participants, on a real broker and a real database: yours as well as ours."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TypeVar

import uuid_utils.compat as uuid
from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractIncomingMessage
from fastapi import APIRouter

from events import CONTENT_TYPE, Envelope, Event
from saga.broker import Names, connect
from saga.listening import listening
from saga.provisioning import Deployment
from saga.publisher import Outgoing, Publisher
from saga.runtime import Outside, nothing_outside, serve
from saga.service import Service
from saga.settings import Settings

S = TypeVar("S", bound=Settings)
E = TypeVar("E", bound=Event)
T = TypeVar("T")


async def eventually(check: Callable[[], Awaitable[T]], within: float = 15) -> T:
    """What `check` returns as soon as it is true; its last failure, if it isn't within so many seconds.

    `check` fails by an assertion or by returning something false.
    """
    deadline = asyncio.get_running_loop().time() + within
    while True:
        late = asyncio.get_running_loop().time() > deadline
        try:
            found = await check()
        except AssertionError:
            if late:
                raise
        else:
            if found:
                return found
            assert not late, f"{found!r} after {within} seconds"  # noqa: S101 — it fails as tests do
        await asyncio.sleep(0.02)


def enveloped(event: Event, identity: str | None = None, source: str = "test") -> Envelope[Event]:
    """The event as somebody outside would publish it."""
    return Envelope(
        id=identity or str(uuid.uuid7()),
        source=source,
        type=event.event_type,
        subject=event.saga_id,
        time=datetime.now(UTC),
        correlationid=event.saga_id,
        data=event,
    )


class Stage:
    """The broker of a deployment, as an administrator sees it: says any event, and hears them all."""

    def __init__(self, amqp_url: str) -> None:
        self._url = amqp_url
        self._publisher = Publisher(amqp_url, "test stage")
        self.heard: list[Envelope[Event]] = []

    async def say(self, *events: Event | Envelope[Event]) -> None:
        """Publish at the events' own exchanges, and await the confirms."""
        for event in events:
            envelope = event if isinstance(event, Envelope) else enveloped(event)
            message = Message(envelope.encode(), content_type=CONTENT_TYPE, message_id=envelope.id, type=envelope.type)
            await self.say_raw(envelope.data.exchange, envelope.type, message)

    async def say_raw(self, exchange: str, routing_key: str, message: Message) -> None:
        """Publish whatever it is, and await the confirm."""
        message.delivery_mode = DeliveryMode.PERSISTENT
        await self._publisher.publish_one(Outgoing(message, exchange, routing_key))

    async def hears(self, event: type[E], saga_id: object, within: float = 15) -> E:
        """The event of this type and saga, now or soon."""

        async def found() -> E | None:
            matching = (e.data for e in self.heard if isinstance(e.data, event) and e.saga_id == str(saga_id))
            return next(matching, None)

        heard = await eventually(found, within)
        assert heard is not None  # noqa: S101 — eventually() returns what is true
        return heard

    def types_of(self, saga_id: object) -> list[str]:
        """The types of all that was heard of a saga, in order of arrival."""
        return [envelope.type for envelope in self.heard if envelope.saga_id == str(saga_id)]

    async def take_dead_letters(self, service: str) -> list[AbstractIncomingMessage]:
        """All of a service's dead letters; they are gone from its queue then."""
        connection = await connect(self._url, "test dead letters")
        async with connection:
            channel = await connection.channel()
            queue = await channel.get_queue(Names(service).dead, ensure=False)
            letters = []
            while (letter := await queue.get(no_ack=True, fail=False)) is not None:
                letters.append(letter)
            return letters

    async def waiting(self, service: str) -> int:
        """How many messages wait in a service's queue, not counting those in its hands."""
        connection = await connect(self._url, "test queue")
        async with connection:
            channel = await connection.channel()
            queue = await channel.declare_queue(Names(service).queue, passive=True)
            return queue.declaration_result.message_count or 0

    async def close(self) -> None:
        await self._publisher.close()


@asynccontextmanager
async def stage(deployment: Deployment, amqp_url: str) -> AsyncIterator[Stage]:
    """A stage that hears everything from now on. `amqp_url` has an administrator's credentials."""
    on_stage = Stage(amqp_url)

    async def hear_all(events: AsyncIterator[Envelope[Event]]) -> None:
        async for envelope in events:
            on_stage.heard.append(envelope)

    async with listening(amqp_url, deployment.services) as events:
        hearing = asyncio.create_task(hear_all(events))
        try:
            yield on_stage
        finally:
            hearing.cancel()
            await on_stage.close()


@asynccontextmanager
async def running(
    deployment: Deployment,
    service: Service,
    settings: type[S],
    router: APIRouter | None = None,
    outside: Outside[S] | None = None,
    **overrides: object,
) -> AsyncIterator[str]:
    """The service in this process, as `run` would run it, until the block ends; its API's URL.

    `overrides` are settings.
    """
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    told = deployment.settings(service.name) | {"http_port": port} | overrides
    loaded = settings.model_validate(told)
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(service, loaded, router or APIRouter(), outside or nothing_outside, stop))
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        stop.set()
        await serving
