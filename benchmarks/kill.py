"""What is left of the promises when all of a contender's processes are killed under load, and started again."""

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress

import asyncpg

from benchmarks.contender import Contender
from benchmarks.load import loading
from benchmarks.meter import family
from benchmarks.results import Kill
from benchmarks.running import Running

ORDERS, DECLINED = 1000, 0.2
"""Placed at once."""
SHARE = 0.1
"""Of the orders has ended when they are killed: so everybody is busy, however fast."""
PATIENCE = 75.0
"""Seconds until the books are looked at: time enough for the slowest, and for all that is tried again."""
SETTLING = 2.0
"""Seconds, for what is done when an order's end has been told already."""
WATCH = """
    CREATE TABLE gateway.asked (idempotency_key text);
    CREATE FUNCTION gateway.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
        $$ BEGIN INSERT INTO gateway.asked VALUES (NEW.idempotency_key); RETURN NEW; END $$;
    CREATE TRIGGER note BEFORE INSERT ON gateway.charge FOR EACH ROW EXECUTE FUNCTION gateway.note();
"""
AGAIN = "SELECT count(*) FROM (SELECT FROM gateway.asked GROUP BY idempotency_key HAVING count(*) > 1) AS again"


async def suffer(contender: Contender, running: Running) -> Kill:
    """SIGKILL for every process but a peer's front, which only takes orders."""
    payment = await asyncpg.connect(_database(running.databases, "payment"))
    try:
        await payment.execute(WATCH)
        async with loading(running.amqp, DECLINED, content_type=contender.content_type) as load:
            await load.place(ORDERS)
            async with asyncio.timeout(PATIENCE):
                while load.ended < SHARE * ORDERS:  # noqa: ASYNC110 — the listener has no time to tell
                    await asyncio.sleep(0.002)
            kill(running.pids)
            with suppress(TimeoutError):
                await load.drained(PATIENCE)
            await asyncio.sleep(SETTLING)
            held, paid, shipped = [
                await _books(running.databases, service, table)
                for service, table in (("inventory", "reservation"), ("payment", "payment"), ("shipping", "shipment"))
            ]
            on_its_way = {order for order, status in shipped.items() if status == "scheduled"}
            halfway = {order for order, status in held.items() if status == "reserved" and order not in on_its_way}
            wrong = {
                order
                for order, status in held.items()
                if (status == "released" and paid.get(order) == "captured")
                or (order in on_its_way and (status == "released" or paid.get(order) != "captured"))
            }
            return Kill(
                contender=contender.name,
                round=0,
                placed=load.placed,
                never_begun=load.placed - len(held),
                halfway=len(halfway),
                wrong=len(wrong),
                asked_again=await payment.fetchval(AGAIN),
            )
    finally:
        await payment.close()


def kill(pids: Mapping[str, int]) -> None:
    """SIGKILL for all but a front, and all that they have started. Raises ProcessLookupError if one doesn't run."""
    if missing := [role for role, pid in pids.items() if not pid]:  # to kill "process 0" is to kill ourselves
        raise ProcessLookupError(f"{', '.join(missing)} did not run")
    for role, pid in pids.items():
        if role != "front":
            for each in family(pid):
                os.kill(each, signal.SIGKILL)


async def _books(databases: Mapping[str, str], service: str, table: str) -> Mapping[object, str]:
    """How each order stands there."""
    connection = await asyncpg.connect(_database(databases, service))
    try:
        rows = await connection.fetch(f"SELECT order_id, status FROM {table}")  # noqa: S608 — one of three constants
    finally:
        await connection.close()
    return {row["order_id"]: row["status"] for row in rows}


def _database(databases: Mapping[str, str], service: str) -> str:
    """Of the service, or of them all."""
    return databases.get(service) or databases["shop"]
