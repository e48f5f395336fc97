"""sagaz: `python -m benchmarks.peers.sagaz NUMBER AMQP_URL DATABASE_URL`.

A declarative saga with its state in PostgreSQL. Whoever wants it runs it, in his own process: `await saga.run(…)`. So
there are some processes that each take orders, run their sagas and tell how they end. An order is taken as a web
request is: it is the library's from the moment that its saga runs.
"""

import asyncio
import logging
import sys

import asyncpg
import uvloop
from sagaz import Saga, SagaConfig, action, compensate, configure
from sagaz.core.storage import PostgreSQLSagaStorage

from benchmarks.peers.front import RELEASED, SHIPPED, Accept, End, Front
from benchmarks.peers.shop import Data, Declined, Shop

AT_ONCE = 20

shop: Shop


class OrderSaga(Saga):
    saga_name = "order"

    @action("reserve")
    async def reserve(self, ctx: Data) -> Data:
        return {"reserved": await shop.reserve(ctx["order"])}

    @compensate("reserve")
    async def release(self, ctx: Data) -> None:
        await shop.release(ctx["order"]["order_id"])

    @action("capture", depends_on=["reserve"])
    async def capture(self, ctx: Data) -> Data:
        return {"captured": await shop.capture(ctx["reserved"])}

    @action("book", depends_on=["capture"])
    async def book(self, ctx: Data) -> Data:
        return {"parcels": await shop.book(ctx["captured"])}


async def place(order: Data, accept: Accept) -> End:
    accept()
    try:
        await OrderSaga().run({"order": order}, saga_id=order["order_id"])
    except Declined:
        return RELEASED
    return SHIPPED


async def main(_: str, amqp: str, database: str) -> None:
    global shop  # noqa: PLW0603 — the class above is how the library wants it
    logging.disable(logging.WARNING)
    storage = PostgreSQLSagaStorage(database, pool_min_size=AT_ONCE, pool_max_size=AT_ONCE)
    configure(SagaConfig(storage=storage, metrics=False, logging=False))
    async with storage, asyncpg.create_pool(database, min_size=AT_ONCE, max_size=AT_ONCE) as pool:
        shop = Shop(pool)
        await Front(place, AT_ONCE).run(amqp)


if __name__ == "__main__":
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(main(*sys.argv[1:]))
