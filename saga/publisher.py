"""Confirmed publishing in windows."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from aio_pika import Message

from saga import faultpoints
from saga.amqp import Connection, Content, Window
from saga.broker import open_stream, reopen_stream, translated
from saga.errors import BrokerAway
from saga.faultpoints import Point


@dataclass(frozen=True, slots=True)
class Outgoing:
    message: Message
    exchange: str
    routing_key: str

    @property
    def content(self) -> Content:
        return Content.of(self.message)


@dataclass(frozen=True, slots=True)
class Encoded:
    """The same, for those who encode the same properties all day."""

    content: Content
    exchange: str
    routing_key: str


class Publisher:
    """A connection of its own, made when first needed and anew after each loss.

    The broker stops reading from connections that publish while it is short of memory or disk: acknowledgements must
    not wait behind that.
    """

    def __init__(self, amqp_url: str, name: str, timeout: float = 30) -> None:
        self._url = amqp_url
        self._name = name
        self._timeout = timeout
        self._connection: Connection | None = None
        self._opening = asyncio.Lock()
        self._connect = open_stream

    @property
    def connected(self) -> bool:
        return self._connection is not None and self._connection.lost is None

    async def publish(self, window: Sequence[Outgoing | Encoded]) -> Window:
        """Publish at once and await every confirm. Message ids must differ within a window.

        A message that no queue takes is returned; a negative confirm, a lost connection and a confirm that doesn't
        come in time are the broker's fault. Raises BrokerAway or CannotStart when there is no connection to be had.
        """
        connection = await self._opened()
        faultpoints.reach(Point.PUBLISHING)
        outgoing = [(out.exchange, out.routing_key, out.content) for out in window]
        outcome = await connection.publish(outgoing, self._timeout)
        if outcome.lost is not None:
            await self.close()
        return outcome

    async def publish_one(self, out: Outgoing) -> None:
        """Publish and await the confirm. Raises BrokerAway when it isn't known to be in a queue."""
        window = await self.publish([out])
        if window.lost is not None:
            raise BrokerAway(str(window.lost)) from window.lost
        if window.returned:
            raise BrokerAway(f"no queue takes {out.routing_key!r} from exchange {out.exchange!r}")

    async def open(self) -> None:
        """Connect now, so that a refusal is known at the start."""
        await self._opened()

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _opened(self) -> Connection:
        async with self._opening:
            if self._connection is None or self._connection.lost is not None:
                connect_now, self._connect = self._connect, reopen_stream
                connection = await connect_now(self._url, self._name)
                async with translated():
                    await connection.confirm_publishes()
                self._connection = connection
            return self._connection
