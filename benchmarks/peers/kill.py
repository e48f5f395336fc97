"""What is left of the promises after a SIGKILL under load: `python -m benchmarks.peers.kill [NAME,…]`.

All processes of a peer but its front are killed once and started again at once. Told are the orders that had not ended
so long afterwards, and how often a charge was asked for more than once.
"""

import asyncio
import os
import signal
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from benchmarks.load import loading
from benchmarks.meter import family
from benchmarks.peers.contenders import PEERS
from benchmarks.running import Running
from infra.local.servers import Servers, local_servers
from saga.provisioning import DatabaseServer

RATE, SECONDS, KILL, PATIENCE = 500.0, 1.0, 1.5, 75.0
"""More than anybody's pace, so that everybody is busy when he is killed; then time enough for the slowest."""
WATCH = """
    CREATE TABLE gateway.call (order_id uuid);
    CREATE FUNCTION gateway.note() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO gateway.call VALUES (NEW.idempotency_key); RETURN NEW; END $$;
    CREATE TRIGGER note BEFORE INSERT ON gateway.charge FOR EACH ROW EXECUTE FUNCTION gateway.note();
"""
BEGUN = "SELECT count(*) FROM reservation"
HALFWAY = """
    SELECT count(*) FROM reservation
    WHERE status = 'reserved' AND NOT EXISTS (SELECT FROM shipment WHERE shipment.order_id = reservation.order_id)
"""
WRONG = """
    SELECT count(*) FROM reservation JOIN payment USING (order_id) LEFT JOIN shipment USING (order_id)
    WHERE (reservation.status = 'released') = (payment.status = 'captured') OR
          (shipment.order_id IS NOT NULL) AND payment.status = 'declined'
"""
AGAIN = "SELECT count(*) FROM (SELECT FROM gateway.call GROUP BY order_id HAVING count(*) > 1) AS again"


async def suffer(running: Running, servers: Servers) -> str:
    database = await asyncpg.connect(DatabaseServer(servers.postgres).url_of(urlsplit(running.amqp).path[1:]))
    await database.execute(WATCH)
    async with loading(running.amqp, declined=0.2) as load:
        placing = asyncio.create_task(load.at_rate(RATE, SECONDS))
        await asyncio.sleep(KILL)
        for role, pid in running.pids.items():
            if role != "front":
                for each in family(pid):
                    os.kill(each, signal.SIGKILL)
        await asyncio.wait([placing], timeout=PATIENCE)
        placing.cancel()
        begun, halfway, wrong, again = [await database.fetchval(sql) for sql in (BEGUN, HALFWAY, WRONG, AGAIN)]
        await database.close()
        return (
            f"{load.placed} placed, {load.placed - begun} never begun, {halfway} left halfway,"
            f" {wrong} ended wrongly, {again} charged again"
        )


async def look(run: Path, names: list[str]) -> None:
    with local_servers(run, say=lambda _: None) as servers:
        for contender in PEERS:
            if contender.name in names:
                async with contender.start(servers, run) as running:
                    print(f"{contender.name:<18} {await suffer(running, servers)}", flush=True)


if __name__ == "__main__":
    os.environ.setdefault("SAGA_LOCAL", "binaries")
    with tempfile.TemporaryDirectory(prefix="saga-bench-") as folder:
        asyncio.run(look(Path(folder), sys.argv[1].split(",") if len(sys.argv) > 1 else [each.name for each in PEERS]))
