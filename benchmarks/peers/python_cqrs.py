"""python-cqrs: `python -m benchmarks.peers.python_cqrs prepare|NUMBER AMQP_URL DATABASE_URL`.

A saga of three step handlers with its state in PostgreSQL through SQLAlchemy, run by the mediator in the process that
wants it, which is one of some that take orders and tell how they end. An order is taken as a web request is. Beside it
the documented job that recovers what another process has left behind.
"""

import asyncio
import dataclasses
import logging
import sys
from typing import Any, ClassVar
from uuid import UUID

import asyncpg
import cqrs
import di
import uvloop
from cqrs.bootstrap.saga import bootstrap
from cqrs.container.di import DIContainer
from cqrs.saga.models import SagaContext
from cqrs.saga.recovery import recover_saga
from cqrs.saga.storage.sqlalchemy import Base, SqlAlchemySagaStorage
from di.dependent import Dependent
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from benchmarks.peers.front import RELEASED, SHIPPED, Accept, End, Front
from benchmarks.peers.shop import Data, Declined, Shop

AT_ONCE = 20
LOOK, STALE = 5.0, 15
"""Seconds: how often the job looks for sagas that are left behind, and after how long a silence they are."""


@dataclasses.dataclass
class Order(SagaContext):
    order: dict[str, Any]
    reserved: dict[str, Any] = dataclasses.field(default_factory=dict)
    captured: dict[str, Any] = dataclasses.field(default_factory=dict)


class Step(cqrs.SagaStepHandler[Order, None]):
    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    @property
    def events(self) -> list[Any]:
        return []

    async def compensate(self, context: Order) -> None:
        pass

    def done(self) -> Any:
        return self._generate_step_result(None)


class Reserve(Step):
    async def act(self, context: Order) -> Any:
        context.reserved = await self.shop.reserve(context.order)
        return self.done()

    async def compensate(self, context: Order) -> None:
        await self.shop.release(context.order["order_id"])


class Capture(Step):
    async def act(self, context: Order) -> Any:
        context.captured = await self.shop.capture(context.reserved)
        return self.done()


class Book(Step):
    async def act(self, context: Order) -> Any:
        await self.shop.book(context.captured)
        return self.done()


class OrderSaga(cqrs.Saga[Order]):
    steps: ClassVar[Any] = [Reserve, Capture, Book]


async def recover(storage: SqlAlchemySagaStorage, container: DIContainer) -> None:
    while True:
        await asyncio.sleep(LOOK)
        for saga in await storage.get_sagas_for_recovery(limit=100, stale_after_seconds=STALE):
            try:
                await recover_saga(OrderSaga(), saga, Order, container, storage)
            except Exception:
                logging.getLogger(__name__).exception("saga %s", saga)


async def main(role: str, amqp: str, database: str) -> None:
    engine = create_async_engine(database.replace("postgresql://", "postgresql+asyncpg://"), pool_size=AT_ONCE + 2)
    if role == "prepare":
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        return
    logging.disable(logging.ERROR)
    async with asyncpg.create_pool(database, min_size=AT_ONCE, max_size=AT_ONCE) as pool:
        shop, external, container = Shop(pool), di.Container(), DIContainer()
        external.bind(di.bind_by_type(Dependent(lambda: shop, scope="request"), Shop))
        container.attach_external_container(external)
        storage = SqlAlchemySagaStorage(async_sessionmaker(engine, expire_on_commit=False))
        mediator = bootstrap(
            di_container=external, sagas_mapper=lambda sagas: sagas.bind(Order, OrderSaga), saga_storage=storage
        )

        async def place(order: Data, accept: Accept) -> End:
            accept()
            try:
                async for _ in mediator.execute(Order(order), saga_id=UUID(order["order_id"])):
                    pass
            except Declined:
                return RELEASED
            return SHIPPED

        await asyncio.gather(Front(place, AT_ONCE).run(amqp), recover(storage, container))


if __name__ == "__main__":
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(main(*sys.argv[1:]))
