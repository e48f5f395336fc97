"""taskiq over RabbitMQ: `python -m benchmarks.peers.taskiq front|worker AMQP_URL DATABASE_URL`.

Each task calls the next one with `kiq`; a client starts the first, which is the front. Its broker's defaults are quorum
queues, and acknowledgement after the task; the documented middleware tries a task again that failed by accident.
"""

import asyncio
import os
import sys
from typing import Annotated

import asyncpg
import uvloop
from taskiq import Context, SimpleRetryMiddleware, TaskiqDepends, TaskiqEvents, TaskiqState
from taskiq_aio_pika import AioPikaBroker, Queue

from benchmarks.peers.front import Accept, Ends, Front, hear
from benchmarks.peers.shop import Data, Declined, Shop

AMQP, DATABASE = "SAGA_PEER_AMQP", "SAGA_PEER_DATABASE"
"""How a worker's processes, which import this module, are told."""
WORKERS = 2
AT_ONCE = 20

INVENTORY, PAYMENT, SHIPPING = QUEUES = ("inventory-tasks", "payment-tasks", "shipping-tasks")
"""One for each service; all tasks in one queue, each new order would wait until the older ones were through."""

broker = AioPikaBroker(
    os.environ.get(AMQP, ""), qos=2 * AT_ONCE, task_queues=[Queue(name=name) for name in QUEUES]
).with_middlewares(SimpleRetryMiddleware(default_retry_count=5))


def state(context: Annotated[Context, TaskiqDepends()]) -> TaskiqState:
    return context.state


State = Annotated[TaskiqState, TaskiqDepends(state)]


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def open_books(state: TaskiqState) -> None:
    state.shop = Shop(await asyncpg.create_pool(os.environ[DATABASE], min_size=AT_ONCE, max_size=AT_ONCE))
    state.ends = Ends(os.environ[AMQP])


@broker.task("reserve", retry_on_error=True, queue_name=INVENTORY)
async def reserve(order: Data, state: State) -> None:
    await capture.kiq(await state.shop.reserve(order))


@broker.task("capture", retry_on_error=True, queue_name=PAYMENT)
async def capture(reserved: Data, state: State) -> None:
    try:
        captured = await state.shop.capture(reserved)
    except Declined:
        await release.kiq(reserved["order_id"])
    else:
        await book.kiq(captured)


@broker.task("book", retry_on_error=True, queue_name=SHIPPING)
async def book(captured: Data, state: State) -> None:
    await state.shop.book(captured)
    state.ends.shipped(captured["order_id"])


@broker.task("release", retry_on_error=True, queue_name=INVENTORY)
async def release(order_id: str, state: State) -> None:
    await state.shop.release(order_id)
    state.ends.released(order_id)


async def front(amqp: str) -> None:
    await broker.startup()

    async def call(order: Data, accept: Accept) -> None:
        await reserve.kiq(order)
        accept()

    desk = Front(call, at_once=100)
    hear(desk, amqp)
    await desk.run(amqp)


def worker() -> None:
    """Becomes taskiq's own command."""
    options = [f"--workers={WORKERS}", f"--max-async-tasks={AT_ONCE}", "--log-level=ERROR"]
    become("taskiq", "worker", "benchmarks.peers.taskiq:broker", *options)


def become(module: str, *told: str) -> None:
    os.execv(sys.executable, [sys.executable, "-m", module, *told])  # noqa: S606 — there is no shell to want


if __name__ == "__main__":
    role, amqp, database = sys.argv[1:]
    if AMQP not in os.environ:  # the broker is made when this module is read
        os.environ |= {AMQP: amqp, DATABASE: database}
        become("benchmarks.peers.taskiq", role, amqp, database)
    if role == "front":
        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
        asyncio.run(front(amqp))
    else:
        worker()
