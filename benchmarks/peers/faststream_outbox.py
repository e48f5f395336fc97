"""faststream-outbox: `python -m benchmarks.peers.faststream_outbox prepare|SERVICE AMQP_URL DATABASE_URL`.

FastStream as in `faststream.py`, but a subscriber writes what follows into an outbox in its SQLAlchemy session, and the
documented relay, a subscriber of the outbox under a publisher's decorator, sends it to RabbitMQ.
"""

import asyncio
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import asyncpg
import uvloop
from faststream import AckPolicy, FastStream
from faststream.rabbit import Channel, RabbitBroker, RabbitExchange
from faststream_outbox import OutboxBroker, make_outbox_table
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from benchmarks.peers import shop
from benchmarks.peers.faststream import INVENTORY, ORDERS, PAYMENT, POOL, SHIPPING, queue, said
from benchmarks.peers.shop import Data

PREFETCH = 10
RELAYS = 2
BATCH = 100
CONNECTIONS = PREFETCH + 2 * (RELAYS + 1)
"""Each relay keeps one for itself and one for each of its workers; whoever lacks one would have to wait."""


class Session:
    """A SQLAlchemy session that does what the shop's steps ask for, and says what follows in the same transaction."""

    def __init__(self, session: AsyncSession, outbox: OutboxBroker) -> None:
        self._session, self._outbox = session, outbox

    async def execute(self, sql: str, *values: object) -> Any:
        return await (await self._session.connection()).exec_driver_sql(sql, values)

    async def fetch(self, sql: str, *values: object) -> Any:
        return (await self.execute(sql, *values)).mappings().all()

    async def fetchval(self, sql: str, *values: object) -> Any:
        return (await self.execute(sql, *values)).scalar()

    async def say(self, event_type: str, data: Data) -> None:
        await self._outbox.publish(said(data), queue=event_type, session=self._session)


Begin = Callable[[], AbstractAsyncContextManager[Session]]


class Service:
    def __init__(self, rabbit: RabbitBroker, outbox: OutboxBroker, begin: Begin, outside: Any) -> None:
        self.rabbit, self.outbox, self.begin, self.outside = rabbit, outbox, begin, outside

    def on(self, event_type: str, exchange: RabbitExchange) -> Any:
        return self.rabbit.subscriber(queue(event_type), exchange, ack_policy=AckPolicy.NACK_ON_ERROR)

    def relay(self, event_type: str, exchange: RabbitExchange) -> None:
        @self.rabbit.publisher(exchange=exchange, routing_key=event_type, persist=True)
        @self.outbox.subscriber(
            event_type,
            max_workers=RELAYS,
            fetch_batch_size=BATCH,
            terminal_flush_batch_size=20,
            min_fetch_interval=0.05,
            max_fetch_interval=1.0,
        )
        async def relay(body: dict[str, Any]) -> dict[str, Any]:
            return body


def inventory(service: Service) -> None:
    service.relay("stock.reserved.v1", INVENTORY)
    service.relay("stock.released.v1", INVENTORY)

    @service.on("order.placed.v1", ORDERS)
    async def reserve(envelope: dict[str, Any]) -> None:
        async with service.begin() as tx:
            await tx.say("stock.reserved.v1", await shop.reserve(tx, envelope["data"]))

    @service.on("payment.declined.v1", PAYMENT)
    async def release(envelope: dict[str, Any]) -> None:
        async with service.begin() as tx:
            await shop.release(tx, envelope["subject"])
            await tx.say("stock.released.v1", envelope["data"])


def payment(service: Service) -> None:
    service.relay("payment.captured.v1", PAYMENT)
    service.relay("payment.declined.v1", PAYMENT)

    @service.on("stock.reserved.v1", INVENTORY)
    async def capture(envelope: dict[str, Any]) -> None:
        reserved = envelope["data"]
        declined = await shop.charge(service.outside, reserved)
        async with service.begin() as tx:
            captured = await shop.capture(tx, reserved, declined)
            if declined:
                await tx.say("payment.declined.v1", {"order_id": reserved["order_id"], "reason": declined})
            else:
                await tx.say("payment.captured.v1", captured)


def shipping(service: Service) -> None:
    service.relay("shipment.scheduled.v1", SHIPPING)

    @service.on("payment.captured.v1", PAYMENT)
    async def book(envelope: dict[str, Any]) -> None:
        parcels = await shop.call_carrier(service.outside, envelope["data"])
        async with service.begin() as tx:
            await shop.book(tx, envelope["data"], parcels)
            await tx.say("shipment.scheduled.v1", {"order_id": envelope["subject"], "parcels": parcels})


SERVICES = {"inventory": inventory, "payment": payment, "shipping": shipping}


async def main(role: str, amqp: str, database: str) -> None:
    engine = create_async_engine(database.replace("postgresql://", "postgresql+asyncpg://"), pool_size=CONNECTIONS)
    metadata = MetaData()
    tables = {service: make_outbox_table(metadata, f"outbox_{service}") for service in SERVICES}
    if role == "prepare":
        async with engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        return
    rabbit = RabbitBroker(amqp, default_channel=Channel(prefetch_count=PREFETCH), logger=None)
    outbox = OutboxBroker(engine, outbox_table=tables[role], logger=None)
    sessions = async_sessionmaker(engine, expire_on_commit=False)

    @asynccontextmanager
    async def begin() -> Any:
        async with sessions() as session, session.begin():
            yield Session(session, outbox)

    async with asyncpg.create_pool(database, min_size=POOL, max_size=POOL) as outside:
        SERVICES[role](Service(rabbit, outbox, begin, outside))
        await FastStream(rabbit, outbox, logger=None).run()


if __name__ == "__main__":
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(main(*sys.argv[1:]))
