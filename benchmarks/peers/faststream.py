"""FastStream with its RabbitMQ broker: `python -m benchmarks.peers.faststream SERVICE AMQP_URL DATABASE_URL`.

Three services, a process each. A subscriber commits its transaction and what it returns is published by its decorator,
or by a publisher object where there are two outcomes. It is event driven, so that the load is its neighbour directly.
Quorum queues, persistent messages, awaited confirms, several messages at a time, and an accident puts a message back.
"""

import asyncio
import sys
from typing import Any

import asyncpg
import uvloop
from faststream import AckPolicy, FastStream
from faststream.rabbit import Channel, ExchangeType, QueueType, RabbitBroker, RabbitExchange, RabbitQueue

from benchmarks.peers import shop
from benchmarks.peers.shop import Data, Declined, Shop

PREFETCH = 30
POOL = 16


def exchange(name: str) -> RabbitExchange:
    return RabbitExchange(name, type=ExchangeType.TOPIC, durable=True)


def queue(event_type: str) -> RabbitQueue:
    return RabbitQueue(event_type, queue_type=QueueType.QUORUM, durable=True, routing_key=event_type)


ORDERS, INVENTORY, PAYMENT, SHIPPING = map(exchange, ("orders", "inventory", "payment", "shipping"))


def inventory(broker: RabbitBroker, stock: Shop) -> None:
    @broker.subscriber(queue("order.placed.v1"), ORDERS, ack_policy=AckPolicy.NACK_ON_ERROR)
    @broker.publisher(exchange=INVENTORY, routing_key="stock.reserved.v1", persist=True)
    async def reserve(envelope: dict[str, Any]) -> Data:
        return said(await stock.reserve(envelope["data"]))

    @broker.subscriber(queue("payment.declined.v1"), PAYMENT, ack_policy=AckPolicy.NACK_ON_ERROR)
    @broker.publisher(exchange=INVENTORY, routing_key="stock.released.v1", persist=True)
    async def release(envelope: dict[str, Any]) -> Data:
        await stock.release(envelope["subject"])
        return said(envelope["data"])


def payment(broker: RabbitBroker, books: Shop) -> None:
    captured = broker.publisher(exchange=PAYMENT, routing_key="payment.captured.v1", persist=True)
    declined = broker.publisher(exchange=PAYMENT, routing_key="payment.declined.v1", persist=True)

    @broker.subscriber(queue("stock.reserved.v1"), INVENTORY, ack_policy=AckPolicy.NACK_ON_ERROR)
    async def capture(envelope: dict[str, Any]) -> None:
        try:
            paid = await books.capture(envelope["data"])
        except Declined as refusal:
            await declined.publish(said({"order_id": envelope["subject"], "reason": refusal.reason}))
        else:
            await captured.publish(said(paid))


def shipping(broker: RabbitBroker, warehouse: Shop) -> None:
    @broker.subscriber(queue("payment.captured.v1"), PAYMENT, ack_policy=AckPolicy.NACK_ON_ERROR)
    @broker.publisher(exchange=SHIPPING, routing_key="shipment.scheduled.v1", persist=True)
    async def book(envelope: dict[str, Any]) -> Data:
        parcels = await warehouse.book(envelope["data"])
        return said({"order_id": envelope["subject"], "parcels": parcels})


def said(data: shop.Data) -> Data:
    return {"subject": data["order_id"], "data": data}


SERVICES = {"inventory": inventory, "payment": payment, "shipping": shipping}


async def main(service: str, amqp: str, database: str) -> None:
    broker = RabbitBroker(amqp, default_channel=Channel(prefetch_count=PREFETCH), logger=None)
    async with asyncpg.create_pool(database, min_size=POOL, max_size=POOL) as pool:
        SERVICES[service](broker, Shop(pool))
        await FastStream(broker, logger=None).run()


if __name__ == "__main__":
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(main(*sys.argv[1:]))
