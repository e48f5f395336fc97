"""How each thing is measured, on a contender that runs and has nothing to do."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from urllib.parse import quote, urlsplit

import httpx
from pamqp import commands

from benchmarks.contender import Contender
from benchmarks.load import SKUS, Load, loading
from benchmarks.meter import Meter, Reading, costs
from benchmarks.ours import Shop
from benchmarks.results import LONE_RATE, Drain, Latency, Saturation, percentile
from benchmarks.running import Running
from infra.local.servers import Pair

PATIENCE = 90.0
"""Seconds for what is on its way to end, when nothing more is placed."""
PER_ORDER = 0.05
"""Seconds more for each order of a backlog."""
_LOOK, _QUIET = 0.1, 0.03
"""Processes that use so many seconds of the processor, or less, between two looks have nothing to do."""
_QUIET_PATIENCE = 3.0


async def saturate(
    pair: Pair,
    contender: Contender,
    running: Running,
    seconds: float,
    warm_up: float,
    declined: float = 0.0,
    skus: tuple[str, ...] = SKUS,
) -> Saturation:
    """The clock starts with empty queues, and stops with them: what lags behind is part of the work."""
    meter, queues = Meter(pair, running.pids), await durable_queues(pair, running)
    async with loading(running.amqp, declined, skus, contender.content_type) as load:
        loop = asyncio.get_running_loop()
        await load.keep_busy(contender.in_flight, warm_up)
        await all_done(load, queues, running.pids)
        before, placed, ended = await meter.read(), load.placed, load.ended
        began = loop.time()
        await load.keep_busy(contender.in_flight, seconds)
        try:
            until = await all_done(load, queues, running.pids)
        except TimeoutError:
            until = loop.time()  # placed and ended tell
        after = await meter.read()
        return _record(contender, load.placed - placed, load.ended - ended, until - began, before, after)


def _record(
    contender: Contender, placed: int, ended: int, seconds: float, before: Reading, after: Reading
) -> Saturation:
    each = max(ended, 1)
    return Saturation(
        measurement="saturation",
        contender=contender.name,
        variant=0,
        round=0,
        in_flight=contender.in_flight,
        placed=placed,
        ended=ended,
        seconds=seconds,
        processor={name: 1000 * (after.processor[name] - before.processor[name]) / each for name in after.processor},
        memory={name: bytes_ / 1e6 for name, bytes_ in after.memory.items()},
        wal=(after.wal - before.wal) / each,
        writes=(after.writes - before.writes) / each,
    )


async def latencies(
    pair: Pair, contender: Contender, running: Running, saturation: float, percents: Iterable[int], seconds: float
) -> list[Latency]:
    """Each from when the order was due, whatever happens to those before it; 0 percent is a lone order."""
    queues, found = await durable_queues(pair, running), []
    async with loading(running.amqp, content_type=contender.content_type) as load:
        await load.keep_busy(contender.in_flight, min(seconds, 3))
        for percent in percents:
            await all_done(load, queues, running.pids)
            rate = saturation * percent / 100 or LONE_RATE
            heard = [1000 * latency for latency in await load.at_rate(rate, seconds)]
            p50, p95, p99 = (percentile(heard, each) for each in (50, 95, 99))
            found.append(Latency(contender.name, percent, 0, rate, len(heard), p50, p95, p99))
    return found


async def drain(
    pair: Pair, contender: Contender, shop: Shop, orders: int, afterwards: Callable[[Running], Awaitable[None]]
) -> Drain:
    """From when all services are ready, which they become while they work already, so from their start."""
    loop = asyncio.get_running_loop()
    queues = await durable_queues(pair, shop.stopped)
    async with loading(shop.amqp, content_type=contender.content_type) as load:
        await load.place(orders)
        began = loop.time()
        with shop.open() as running:
            sampling = asyncio.create_task(_sample(running.pids))
            await load.drained(PATIENCE + orders * PER_ORDER)
            seconds = await all_done(load, queues, running.pids) - began
            sampling.cancel()
            memory = await sampling
            await afterwards(running)
        return Drain(contender.name, 0, orders, seconds, memory)


async def _sample(pids: Mapping[str, int]) -> dict[str, list[float]]:
    """MB each second, until cancelled."""
    samples: dict[str, list[float]] = {name: [] for name in pids}
    try:
        while True:
            for name, cost in costs(pids).items():
                samples[name].append(cost.memory / 1e6)
            await asyncio.sleep(1)
    except asyncio.CancelledError:
        return samples


async def durable_queues(pair: Pair, running: Running) -> list[str]:
    """Names of all queues of the vhost that stay when their consumers go."""
    vhost = quote(urlsplit(running.amqp).path[1:], safe="")
    async with httpx.AsyncClient() as http:
        listed = await http.get(f"{pair.rabbitmq.management}/api/queues/{vhost}")
    listed.raise_for_status()
    return [queue["name"] for queue in listed.json() if queue["durable"] and not queue["exclusive"]]


async def all_done(load: Load, queues: Iterable[str], pids: Mapping[str, int]) -> float:
    """When no order was on its way, no message was in a queue, and nobody worked any more. Raises TimeoutError."""
    loop = asyncio.get_running_loop()
    await load.drained(PATIENCE)
    async with asyncio.timeout(PATIENCE):
        while True:
            while await _messages(load, queues):  # noqa: ASYNC110 — nobody tells
                await asyncio.sleep(0.02)
            since = await _quiet(pids)  # what a consumer has in hand is in no queue's count
            if not await _messages(load, queues):
                return since
            await asyncio.sleep(_LOOK - (loop.time() - since) % _LOOK)


async def _messages(load: Load, queues: Iterable[str]) -> int:
    """Asked of the queues themselves: the management API knows what was seconds ago."""
    for queue in queues:
        if count := (await load.link.ask(commands.Queue.Declare(queue=queue, passive=True))).message_count:
            return int(count)
    return 0


async def _quiet(pids: Mapping[str, int]) -> float:
    """Since when they have nothing to do; at once, if they are never quiet."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while loop.time() < began + _QUIET_PATIENCE:
        since, used = loop.time(), _used(pids)
        await asyncio.sleep(_LOOK)
        if _used(pids) - used <= _QUIET:
            return since
    return began


def _used(pids: Mapping[str, int]) -> float:
    return sum(cost.processor for cost in costs(pids).values())
