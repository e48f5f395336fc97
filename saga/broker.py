"""Connections to RabbitMQ, the names that the runtime gives to things there, and what its refusals mean."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Protocol

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, HeadersType
from aiormq.exceptions import (
    AMQPError,
    AuthenticationError,
    ChannelAccessRefused,
    ChannelInvalidStateError,
    ChannelNotFoundEntity,
    ConnectionNotAllowed,
    ProbableAuthenticationError,
)
from yarl import URL

from events import Delivered
from saga import amqp, amqp_tolerance
from saga.errors import BrokerAway, CannotStart

amqp_tolerance.install()

ELECTION = 1.0
"""Seconds. A broker that has just started elects a leader for each quorum queue; up to 3.12, one that is used before
may never get one (https://github.com/rabbitmq/rabbitmq-server/issues/10070)."""

UNROUTED = "unrouted"


@dataclass(frozen=True)
class Names:
    """What belongs to one service at the broker."""

    service: str

    @property
    def queue(self) -> str:
        return self.service

    @cached_property
    def retry_exchange(self) -> str:
        return f"{self.service}.retry"

    @property
    def dead(self) -> str:
        return f"{self.service}.dead"

    @property
    def discarded(self) -> str:
        """The key under which onlookers are told of dead letters that were thrown away."""
        return f"{self.service}.discarded"

    def tier(self, pause: timedelta) -> str:
        return f"{self.service}.retry.{short(pause)}"


def short(pause: timedelta) -> str:
    """`5s`, `30s`, `5m`: as it stands in a queue's name."""
    milliseconds = round(pause.total_seconds() * 1000)
    for unit, size in (("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds % size == 0 and milliseconds >= size:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms"


def user(amqp_url: str) -> str:
    return URL(amqp_url).user or "guest"


async def connect(amqp_url: str, name: str) -> AbstractConnection:
    """A connection that is over when it is lost: who uses it makes a new one, and knows that it did.

    `name` is what an operator reads in the management UI; a `heartbeat` may stand in the URL. Raises CannotStart when
    the broker refuses us, BrokerAway when it isn't there.
    """
    url = URL(amqp_url)
    url = url if "heartbeat" in url.query else url.update_query(heartbeat=amqp.HEARTBEAT)
    async with _reached(URL(amqp_url)):
        connection = aio_pika.Connection(url, client_properties={"connection_name": name})
        try:
            await connection.connect(timeout=10)
        except BaseException:
            await connection.close()  # else it would try to, whenever it is collected as garbage
            raise
        return connection


async def open_stream(amqp_url: str, name: str) -> amqp.Connection:
    """The same, for whom every message passes by."""
    async with _reached(URL(amqp_url)):
        return await amqp.connect(amqp_url, name)


async def reopen_stream(amqp_url: str, name: str) -> amqp.Connection:
    """The same, after a loss or a failure: the broker may have started a moment ago."""
    connection = await open_stream(amqp_url, name)
    try:
        await asyncio.sleep(ELECTION)
    except BaseException:  # nobody else knows of it yet
        connection.abort(ConnectionAbortedError("nobody wants it any more"))
        raise
    return connection


@asynccontextmanager
async def _reached(url: URL) -> AsyncIterator[None]:
    try:
        yield
    except (AuthenticationError, ProbableAuthenticationError, ConnectionNotAllowed, amqp.Refused) as error:
        if isinstance(error, amqp.Refused) and not error.is_final:
            raise BrokerAway(f"the broker at {url.host}:{url.port} does not let us in ({error})") from error
        raise CannotStart(
            f"the broker at {url.host}:{url.port} refuses user {url.user!r} in vhost {url.path or '/'!r}",
            "check the password in the AMQP_URL, or run 'saga provision'",
        ) from error
    except (AMQPError, OSError) as error:
        raise BrokerAway(f"the broker at {url.host}:{url.port} does not answer ({_reason(error)})") from error


async def open_channel(connection: AbstractConnection, **options: bool) -> AbstractChannel:
    """A channel. Raises BrokerAway if the connection was lost meanwhile: the client has no better word for it."""
    try:
        return await connection.channel(**options)
    except RuntimeError as error:
        raise BrokerAway(_reason(error)) from error


@asynccontextmanager
async def translated() -> AsyncIterator[None]:
    """Raise CannotStart where something is not provisioned, and BrokerAway where the broker is gone."""
    try:
        yield
    except (ChannelNotFoundEntity, ChannelAccessRefused) as error:
        raise CannotStart(f"the broker says: {_reason(error)}", "run 'saga provision'") from error
    except amqp.Refused as error:
        if error.is_final:
            raise CannotStart(f"the broker says: {error}", "run 'saga provision'") from error
        raise BrokerAway(str(error)) from error
    except (AMQPError, ChannelInvalidStateError, OSError) as error:
        raise BrokerAway(_reason(error)) from error


def _reason(error: Exception) -> str:
    return str(error.args[-1] if error.args else "") or type(error).__name__


class Incoming(Protocol):
    """A message that came in, whichever way."""

    @property
    def body(self) -> bytes: ...
    @property
    def exchange(self) -> str | None: ...
    @property
    def routing_key(self) -> str | None: ...
    @property
    def headers(self) -> HeadersType: ...
    @property
    def content_type(self) -> str | None: ...
    @property
    def message_id(self) -> str | None: ...
    @property
    def correlation_id(self) -> str | None: ...
    @property
    def type(self) -> str | None: ...
    @property
    def timestamp(self) -> datetime | None: ...
    @property
    def app_id(self) -> str | None: ...
    @property
    def user_id(self) -> str | None: ...


def delivery(message: Incoming, event_type: str) -> Delivered:
    """The message in words of no client library. `event_type` is its original routing key."""
    return _Delivery(message, event_type)


class _Delivery:
    """Most of what a message says of itself is never asked for, since its envelope says it."""

    __slots__ = ("_message", "body", "content_type", "headers", "type")

    def __init__(self, message: Incoming, event_type: str) -> None:
        self._message = message
        self.type = event_type
        self.body = message.body
        self.content_type = message.content_type or ""
        self.headers = message.headers

    @property
    def message_id(self) -> str:
        return self._message.message_id or ""

    @property
    def app_id(self) -> str:
        return self._message.app_id or ""

    @property
    def timestamp(self) -> datetime | None:
        return self._message.timestamp
