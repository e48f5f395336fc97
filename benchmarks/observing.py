"""What the observer costs at full speed, what a minute without it does, and how fast it finds one saga of a million."""

import asyncio
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import median

import asyncpg
import httpx

from benchmarks.contender import CONTENDERS
from benchmarks.load import loading
from benchmarks.measure import saturate
from benchmarks.ours import AT_ONCE, ours, provisioned
from benchmarks.results import Saturation, percentile
from benchmarks.running import Running
from infra.local.servers import Pair
from infra.local.system import services
from saga.provisioning import DatabaseServer
from saga.testing import eventually
from saga.tokens import mint_token

OURS = CONTENDERS[0]
OBSERVED = replace(OURS, name="observed", start=ours(observed=True))
SAGAS = 1_000_000
ASKED = 200
"""Requests of each kind."""
WARM_UP, ASIDE = 5.0, 60.0
"""Seconds."""
ENDED = "SELECT count(*) FROM saga WHERE state IN ('succeeded', 'refused', 'compensated')"
EVENTS = 4
"""Of an order that is fulfilled."""

FILL = """
    INSERT INTO saga (saga_id, state, remaining, began_at, changed_at, known)
    SELECT lpad(to_hex(n), 8, '0') || '-0000-7000-8000-' || substr(md5(n::text), 1, 12),
           (ARRAY['succeeded', 'succeeded', 'succeeded', 'succeeded', 'refused', 'compensated'])[1 + n % 6], '{}',
           now() - (1000000 - n) * interval '1 second', now() - (1000000 - n) * interval '1 second', '[[]]'
    FROM generate_series(1, $1::integer) AS n
"""
WAITING = """
    UPDATE saga SET state = 'running', remaining = ARRAY['payment.capture_payment'],
        waits_for = 'payment.capture_payment', waits_since = now()
    WHERE saga_id LIKE '000000%'
"""
"""Of 256 of them."""
SEARCHES = {
    "the newest": {},
    "succeeded": {"state": "succeeded"},
    "running": {"state": "running"},
    "by the beginning of an id": {"begins_with": "000a11"},
    "by an id of another state": {"begins_with": "000a11ce", "state": "running"},
    "waiting for a step": {"waits_for": "payment.capture_payment", "state": "running"},
    "of one day": {"since": "2026-11-20T00:00:00Z", "until": "2026-11-21T00:00:00Z", "state": "refused"},
}


async def keep_up(pair: Pair, run: Path, rounds: int, seconds: float, warm_up: float) -> None:
    """A line for each round and contender, and how far the observer was behind in the end."""
    found: dict[str, list[Saturation]] = {OURS.name: [], OBSERVED.name: []}
    for _ in range(rounds):
        for contender in (OURS, OBSERVED):
            async with contender.start(pair.servers, run) as running:
                one = await saturate(pair, contender, running, seconds, warm_up)
                if contender is OBSERVED:
                    await _catch_up(running)
            found[contender.name].append(one)
            spent = ", ".join(f"{process} {cost:.2f}" for process, cost in one.processor.items())
            print(f"{contender.name:<10}{one.rate:7.0f} sagas/s; ms a saga: {spent}", flush=True)
    alone, observed = (median(one.rate for one in found[name]) for name in (OURS.name, OBSERVED.name))
    share = median(one.processor["observer"] / sum(one.processor.values()) for one in found[OBSERVED.name])
    print(f"with the observer {observed:.0f} sagas/s instead of {alone:.0f}: {observed / alone:.0%}")
    print(f"its own process takes {share:.0%} of the processor that is used")


async def _catch_up(running: Running) -> None:
    """How long, after the last order has ended, the observer still has to hear of what happened before."""
    began, orders = time.monotonic(), await asyncpg.connect(running.databases["order"])
    placed = await orders.fetchval("SELECT count(*) FROM customer_order")
    await orders.close()
    await _told(running.databases["observer"], placed)
    print(f"{time.monotonic() - began:.1f} s after the last order had ended, it knew how all {placed} had", flush=True)


async def be_away(pair: Pair, run: Path, rate: float) -> None:
    """The observer is stopped for a minute while orders come in; afterwards it must have heard every event."""
    async with provisioned(pair.servers, run, observed=True) as shop:
        server, name = DatabaseServer(shop.deployment.administrator.postgres), f"{shop.deployment.prefix}observer"
        with services(shop.deployment, run, AT_ONCE) as processes:
            async with loading(shop.amqp) as load:
                await load.at_rate(rate, WARM_UP)
                _tell("with the observer", await load.at_rate(rate, ASIDE / 2))
                await asyncio.to_thread(processes.stop, "observer")
                _tell("a minute without it", await load.at_rate(rate, ASIDE))
                began = time.monotonic()
                processes.start("observer")
                _tell("while it catches up", await load.at_rate(rate, ASIDE / 2))

                await _told(server.url_of(name), load.placed)
                print(
                    f"{time.monotonic() - began:.1f} s after its start it knew how all {load.placed} orders had ended"
                )
                (events,) = await server.fetch("SELECT count(*) FROM event", name)
                print(f"it has heard {events} events, and {EVENTS * load.placed} were said")


async def _told(observer: str, orders: int) -> None:
    """Return when it knows how they all ended."""
    tables = await asyncpg.connect(observer)

    async def are_told() -> bool:
        return bool(await tables.fetchval(ENDED) == orders)

    await eventually(are_told, within=300)
    await tables.close()


def _tell(what: str, latencies: list[float]) -> None:
    p50, p99 = (1000 * percentile(latencies, share) for share in (50, 99))
    print(f"{what:<20} {len(latencies)} orders: p50 {p50:.1f} ms, p99 {p99:.1f} ms", flush=True)


async def search(pair: Pair, run: Path) -> None:
    """Requests at the observer's API, one after the other, with a million sagas in its tables."""
    async with provisioned(pair.servers, run, observed=True) as shop:
        there = shop.deployment
        server, name = DatabaseServer(there.administrator.postgres), f"{there.prefix}observer"
        await server.execute("SET statement_timeout = 0", name)
        await server.fetch(FILL, name, SAGAS)
        await server.execute(WAITING, name)
        await server.execute("VACUUM ANALYZE saga", name)
        with ExitStack() as stack:
            processes = stack.enter_context(services(there, run))
            token = mint_token(there.api_secret, "bench", timedelta(hours=1))
            async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=30) as http:
                for what, asked in SEARCHES.items():
                    took = [await _timed(http, f"{processes.url('observer')}/sagas", asked) for _ in range(ASKED)]
                    p50, p95 = percentile(took, 50), percentile(took, 95)
                    print(f"{what:<28} p50 {p50:6.1f} ms  p95 {p95:6.1f} ms", flush=True)


async def _timed(http: httpx.AsyncClient, url: str, asked: dict[str, str]) -> float:
    began = time.perf_counter()
    (await http.get(url, params=asked)).raise_for_status()
    return 1000 * (time.perf_counter() - began)
