"""Confirmed publishing in windows."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from aio_pika import Message
from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.exceptions import PublishError

from saga import faultpoints
from saga.broker import connect, open_channel, reconnect, translated
from saga.errors import BrokerAway
from saga.faultpoints import Point


@dataclass(frozen=True, slots=True)
class Outgoing:
    message: Message
    exchange: str
    routing_key: str


@dataclass(frozen=True, slots=True)
class Window:
    """What became of the messages of a window, by their index. Nothing is known of the others, because of `lost`."""

    confirmed: list[int]
    returned: list[int]
    lost: Exception | None


class Publisher:
    """A connection of its own, made when first needed and anew after each loss.

    The broker stops reading from connections that publish while it is short of memory or disk: acknowledgements must
    not wait behind that.
    """

    def __init__(self, amqp_url: str, name: str, timeout: float = 30) -> None:
        self._url = amqp_url
        self._name = name
        self._timeout = timeout
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._opening = asyncio.Lock()
        self._connect = connect

    @property
    def connected(self) -> bool:
        return self._channel is not None and not self._channel.is_closed

    async def publish(self, window: Sequence[Outgoing]) -> Window:
        """Publish at once and await every confirm. Message ids must differ within a window.

        A message that no queue takes is returned; a negative confirm, a lost connection and a confirm that doesn't
        come in time are the broker's fault. Raises BrokerAway or CannotStart when there is no connection to be had.
        """
        channel = await self._open_channel()
        faultpoints.reach(Point.PUBLISHING)
        outcomes = await asyncio.gather(*(self._publish(channel, out) for out in window), return_exceptions=True)
        lost = next((o for o in outcomes if isinstance(o, Exception) and not isinstance(o, PublishError)), None)
        if lost is not None:
            await self.close()
        return Window(
            confirmed=[index for index, outcome in enumerate(outcomes) if outcome is None],
            returned=[index for index, outcome in enumerate(outcomes) if isinstance(outcome, PublishError)],
            lost=lost,
        )

    async def publish_one(self, out: Outgoing) -> None:
        """Publish and await the confirm. Raises BrokerAway when it isn't known to be in a queue."""
        window = await self.publish([out])
        if window.lost is not None:
            raise BrokerAway(str(window.lost)) from window.lost
        if window.returned:
            raise BrokerAway(f"no queue takes {out.routing_key!r} from exchange {out.exchange!r}")

    async def open(self) -> None:
        """Connect now, so that a refusal is known at the start."""
        await self._open_channel()

    async def close(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None and not connection.is_closed:
            try:
                async with asyncio.timeout(2):
                    await connection.close()
            except (OSError, RuntimeError):  # it is gone already, or does not answer
                return

    async def _open_channel(self) -> AbstractChannel:
        async with self._opening:
            if self._channel is None or self._channel.is_closed:
                await self.close()
                connect_now, self._connect = self._connect, reconnect
                self._connection = await connect_now(self._url, self._name)
                async with translated():
                    self._channel = await open_channel(self._connection, publisher_confirms=True, on_return_raises=True)
            return self._channel

    async def _publish(self, channel: AbstractChannel, out: Outgoing) -> None:
        exchange = await channel.get_exchange(out.exchange, ensure=False)
        await exchange.publish(out.message, out.routing_key, mandatory=True, timeout=self._timeout)
