"""Celery over RabbitMQ: `python -m benchmarks.peers.celery front|worker AMQP_URL DATABASE_URL`.

A chain of three tasks, and a compensation that `on_error` calls. A client starts it, which is the front, from several
threads as a web server would. Acknowledged late and put back when a worker is lost, on a quorum queue with confirmed
publishes, as Celery's guide to quorum queues says; no result backend, since nobody asks for results.
"""

import asyncio
import sys
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, TypeVar

import psycopg
from celery import Celery
from celery.signals import worker_process_init
from psycopg.rows import dict_row

from benchmarks.peers import shop
from benchmarks.peers.front import Accept, Ends, Front, hear
from benchmarks.peers.shop import Data, Declined

THREADS = 16
"""Of the front: each waits for the broker's confirm of its order."""
WORKERS = 4
INVENTORY, PAYMENT, SHIPPING = QUEUES = ("inventory-tasks", "payment-tasks", "shipping-tasks")
"""One for each service; all tasks in one queue, each new order would wait until the older ones were through."""

T = TypeVar("T")

app = Celery("shop")
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    task_default_queue_type="quorum",
    task_routes={"reserve": INVENTORY, "release": INVENTORY, "capture": PAYMENT, "book": SHIPPING},
    broker_transport_options={"confirm_publish": True},
    broker_pool_limit=THREADS,
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
)
RETRIED: Any = {"autoretry_for": (psycopg.OperationalError,), "retry_backoff": True, "max_retries": None}


class Books:
    """A connection of psycopg that does what the shop's steps ask for, at once instead of later."""

    def __init__(self, database: str) -> None:
        self.connection = psycopg.connect(
            database, autocommit=True, cursor_factory=psycopg.RawCursor[Data], row_factory=dict_row
        )

    async def execute(self, sql: str, *values: object) -> None:
        self.connection.execute(sql.encode(), values)

    async def fetch(self, sql: str, *values: object) -> list[Data]:
        rows: list[Data] = self.connection.execute(sql.encode(), values).fetchall()
        return rows

    async def fetchval(self, sql: str, *values: object) -> object:
        row = self.connection.execute(sql.encode(), values).fetchone()
        return next(iter(row.values())) if row else None

    def do(self, step: Coroutine[Any, Any, T]) -> T:
        """What the step returns; it never has to wait."""
        try:
            step.send(None)
        except StopIteration as end:
            returned: T = end.value
            return returned
        raise RuntimeError

    def do_together(self, step: Coroutine[Any, Any, T]) -> T:
        """In a transaction."""
        with self.connection.transaction():
            return self.do(step)


class Process:
    """What each process of the pool has: a connection of its own, and a way to tell ends."""

    books: ClassVar[Books]
    ends: ClassVar[Ends]


@app.task(name="reserve", **RETRIED)
def reserve(order: Data) -> Data:
    books = Process.books
    return books.do_together(shop.reserve(books, order))


@app.task(name="capture", throws=(Declined,), **RETRIED)
def capture(reserved: Data) -> Data:
    books = Process.books
    declined = books.do(shop.charge(books, reserved))
    paid = books.do(shop.capture(books, reserved, declined))
    if declined:
        raise Declined(declined)
    return paid


@app.task(name="book", **RETRIED)
def book(captured: Data) -> None:
    books = Process.books
    parcels = books.do(shop.call_carrier(books, captured))
    books.do_together(shop.book(books, captured, parcels))
    Process.ends.shipped(captured["order_id"])


@app.task(name="release", **RETRIED)
def release(order_id: str) -> None:
    books = Process.books
    books.do_together(shop.release(books, order_id))
    Process.ends.released(order_id)


def place(order: Data) -> None:
    chain = reserve.s(order) | capture.s() | book.s()
    chain.on_error(release.si(order["order_id"])).apply_async()


async def front(amqp: str) -> None:
    threads = ThreadPoolExecutor(THREADS)

    async def call(order: Data, accept: Accept) -> None:
        await asyncio.get_running_loop().run_in_executor(threads, place, order)
        accept()

    desk = Front(call, at_once=4 * THREADS)
    hear(desk, amqp)
    await desk.run(amqp)


def worker(amqp: str, database: str) -> None:
    @worker_process_init.connect(weak=False)
    def connect(**_: object) -> None:
        Process.books, Process.ends = Books(database), Ends(amqp)

    options = ["--pool=prefork", f"--concurrency={WORKERS}", "--without-gossip", "--without-mingle", "--loglevel=ERROR"]
    options.append(f"--queues={','.join(QUEUES)}")
    app.worker_main(["worker", *options])


if __name__ == "__main__":
    role, *urls = sys.argv[1:]
    app.conf.broker_url = urls[0]
    if role == "front":
        asyncio.run(front(urls[0]))
    else:
        worker(*urls)
