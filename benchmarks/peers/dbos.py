"""DBOS: `python -m benchmarks.peers.dbos prepare|NUMBER AMQP_URL DATABASE_URL`.

A workflow of three steps, checkpointed in PostgreSQL, and one more step that compensates. An application process starts
its workflows itself, each under its order's id; some processes take orders and tell how they end. An order is taken
when `start_workflow_async` has returned: it is durable then. What a process leaves behind, it resumes when it starts
again under the same executor id.
"""

import asyncio
import sys

import asyncpg
from dbos import DBOS, DBOSConfig, SetWorkflowID

from benchmarks.peers.front import RELEASED, SHIPPED, Accept, End, Front
from benchmarks.peers.shop import Data, Declined, Shop

AT_ONCE = 20

shop: Shop


@DBOS.step()
async def reserve(order: Data) -> Data:
    return await shop.reserve(order)


@DBOS.step()
async def capture(reserved: Data) -> Data:
    return await shop.capture(reserved)


@DBOS.step()
async def book(captured: Data) -> list[Data]:
    return await shop.book(captured)


@DBOS.step()
async def release(order_id: str) -> None:
    await shop.release(order_id)


@DBOS.workflow()
async def fulfil(order: Data) -> bool:
    reserved = await reserve(order)
    try:
        captured = await capture(reserved)
    except Declined:
        await release(order["order_id"])
        return False
    await book(captured)
    return True


async def place(order: Data, accept: Accept) -> End:
    with SetWorkflowID(order["order_id"]):
        started = await DBOS.start_workflow_async(fulfil, order)
    accept()
    return SHIPPED if await started.get_result() else RELEASED


async def main(role: str, amqp: str, database: str) -> None:
    global shop  # noqa: PLW0603 — steps are functions of the module
    DBOS(config=DBOSConfig(name="shop", system_database_url=database, executor_id=role, log_level="ERROR"))
    async with asyncpg.create_pool(database, min_size=AT_ONCE, max_size=AT_ONCE) as pool:
        shop = Shop(pool)
        DBOS.launch()
        if role == "prepare":
            DBOS.destroy()
        else:
            await Front(place, AT_ONCE).run(amqp)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
