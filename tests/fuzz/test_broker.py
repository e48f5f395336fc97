"""The oddest messages on a real broker, to a service at work: none stops it, and none is lost."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from itertools import islice

import pika
import pytest
from pika.adapters.blocking_connection import BlockingConnection
from pika.exceptions import AMQPError

from events import Decoder, InvalidMessage, StockReserved
from infra.local.servers import Servers
from inventory_service.api import router
from inventory_service.handlers import inventory
from inventory_service.settings import InventorySettings
from saga.broker import Names, delivery
from saga.testing import eventually, running
from tests.builders import order_placed
from tests.conftest import in_vhost, on_stage
from tests.fuzz import hostile, wire
from tests.fuzz.test_decoders import SEED

COUNT = 1_000
EXCHANGES = {event.event_type: event.exchange for event in inventory.heard}
decoder = Decoder(inventory.heard)


class Encoded(pika.BasicProperties):
    """Properties that no client library would send."""

    def __init__(self, sent: wire.Wired) -> None:
        super().__init__()
        self._sent = sent

    def encode(self) -> list[bytes]:
        flags, properties = self._sent.properties_frame()
        return [flags.to_bytes(2), properties]


def publish(amqp_url: str, messages: Sequence[wire.Wired]) -> list[wire.Wired]:
    """Those that the broker takes: over a float that is no number, for instance, it hangs up on who sends it."""
    taken: list[wire.Wired] = []
    tried = 0
    while tried < len(messages):
        with contextlib.suppress(AMQPError), closing(BlockingConnection(pika.URLParameters(amqp_url))) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            for sent in messages[tried:]:
                tried += 1
                channel.basic_publish(EXCHANGES[sent.routing_key], sent.routing_key, sent.body, Encoded(sent))
                taken.append(sent)
    return taken


def is_legal(sent: wire.Wired) -> bool:
    """Whether no header is there twice: AMQP forbids it, and each broker makes something else of it."""
    return len(dict(sent.headers)) == len(sent.headers)


def understood(sent: wire.Wired) -> bool:
    try:
        decoder.decode(delivery(wire.received(sent), sent.routing_key))
    except InvalidMessage:
        return False
    return True


@pytest.mark.timeout(300)
async def test_every_message_is_handled_or_parked_with_a_reason(servers: Servers) -> None:
    """Some 1,000, headers that break client libraries among them; then an order is handled as ever."""
    odd = (sent for sent in hostile.messages(SEED, 40 * COUNT) if sent.routing_key in EXCHANGES)
    telling = (sent for sent in odd if (sent.headers or sent.properties) and is_legal(sent))
    messages = list(islice(telling, COUNT))
    parked: Counter[bytes] = Counter()
    order = order_placed()

    async with (
        on_stage(servers, [inventory]) as (deployment, stage),
        running(deployment, inventory, InventorySettings, router),
    ):
        url = in_vhost(servers.amqp, deployment.administrator.vhost)
        taken = await asyncio.to_thread(publish, url, messages)
        refused = Counter(sent.body for sent in taken if not understood(sent))
        await stage.say(order)
        await stage.hears(StockReserved, order.order_id, within=120)

        async def all_parked() -> bool:
            for letter in await stage.take_dead_letters("inventory"):
                assert letter.headers["x-reason"]
                assert letter.headers["x-attempt"] == 0, letter.headers["x-reason"]
                parked[letter.body] += 1
            return parked.total() >= refused.total()

        await eventually(all_parked, within=60)
        names = Names("inventory")
        waiting = [
            await stage.waiting(queue) for queue in (names.queue, *map(names.tier, deployment.tiers), names.dead)
        ]

    assert len(taken) > 0.9 * COUNT
    assert parked == refused
    assert waiting == [0] * len(waiting)
