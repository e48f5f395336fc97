"""Walks through a plan, on one pair of servers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.contender import Contender
from benchmarks.growth import aged_shops, tidy
from benchmarks.kill import suffer
from benchmarks.load import SKUS
from benchmarks.measure import drain, latencies, saturate
from benchmarks.ours import Shop, ours, provisioned
from benchmarks.plan import COMPENSATED, DRAIN, GROWTH, HOT, KILL, LATENCY, REPLICAS, Step
from benchmarks.results import Results, Saturation
from benchmarks.running import Running
from infra.local.servers import Pair

PERCENTS = (0, 10, 50, 80)
STOCK = """
    INSERT INTO stock (sku, warehouse, on_hand)
    SELECT sku, warehouse, 1000000000 FROM unnest($1::text[]) AS sku, unnest(ARRAY['berlin', 'leipzig']) AS warehouse
"""
STEP_SECONDS = 3600
"""For a step to end in, old orders included."""


@dataclass(frozen=True)
class Settings:
    seconds: float = 12.0
    latency_seconds: float = 8.0
    warm_up: float = 5.0
    backlog: int = 100_000


@dataclass(frozen=True)
class Bench:
    pair: Pair
    run: Path
    contenders: Mapping[str, Contender]
    settings: Settings
    results: Results
    aged: Callable[[int], Awaitable[Shop]]

    async def walk(self, steps: Sequence[Step]) -> None:
        """All of them; one that fails is noted, and the others go on."""
        columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
        with Progress(*columns) as progress:
            bar = progress.add_task("", total=len(steps))
            for step in steps:
                progress.update(bar, description=str(step))
                try:
                    async with asyncio.timeout(STEP_SECONDS):
                        told = await self._take(step)
                except Exception as error:  # noqa: BLE001 — hours of others' results are not thrown away for it
                    told = f"failed: {type(error).__name__} {error}"
                    self.results.failures.append(f"{step}: {told}")
                progress.console.print(f"{step}: {told}", highlight=False, soft_wrap=True)
                progress.advance(bar)

    async def _take(self, step: Step) -> str:
        if step.measurement == LATENCY:
            return await self._latency(step)
        if step.measurement == DRAIN:
            return await self._drain(step)
        if step.measurement == KILL:
            return await self._kill(step)
        async with self._started(step) as running:
            found = await self._saturation(step, running)
            if step.measurement != GROWTH:  # the orders of its past are made up
                await self._audit(running)
        self.results.saturations.append(
            replace(found, measurement=step.measurement, variant=step.variant, round=step.round)
        )
        lost = "" if found.placed == found.ended else f", {found.placed - found.ended} of {found.placed} did not end"
        return f"{found.rate:,.0f} sagas/s{lost}"

    @asynccontextmanager
    async def _started(self, step: Step) -> AsyncIterator[Running]:
        if step.measurement == GROWTH:
            shop = await self.aged(step.variant)
            with shop.open() as running:
                yield running
            await tidy(shop.stopped.databases)
            return
        start = ours(step.variant) if step.measurement == REPLICAS else self.contenders[step.contender].start
        async with start(self.pair.servers, self.run) as running:
            yield running

    async def _saturation(self, step: Step, running: Running) -> Saturation:
        declined = 0.0
        skus: tuple[str, ...] = SKUS
        if step.measurement == COMPENSATED:
            declined = step.variant / 100
        elif step.measurement == HOT:
            skus = tuple(f"S{number:03}" for number in range(step.variant))
            await _stock(running, skus)
        return await saturate(
            self.pair,
            self.contenders[step.contender],
            running,
            self.settings.seconds,
            self.settings.warm_up,
            declined,
            skus,
        )

    async def _latency(self, step: Step) -> str:
        saturation = self.results.rate(step.contender)
        if saturation is None:
            return "left out: its saturation is not known"
        contender = self.contenders[step.contender]
        async with contender.start(self.pair.servers, self.run) as running:
            found = await latencies(
                self.pair, contender, running, saturation.median, PERCENTS, self.settings.latency_seconds
            )
            await self._audit(running)
        self.results.latencies += [replace(each, round=step.round) for each in found]
        return "p50 " + ", ".join(f"{each.p50:.1f} ms at {each.rate:,.0f}/s" for each in found)

    async def _audit(self, running: Running) -> None:
        if running.audit:
            self.results.audited += await running.audit()

    async def _kill(self, step: Step) -> str:
        async with self._started(step) as running:
            found = await suffer(self.contenders[step.contender], running)
            await self._audit(running)
        self.results.kills.append(replace(found, round=step.round))
        return (
            f"of {found.placed} orders {found.never_begun} never begun, {found.halfway} left halfway, "
            f"{found.wrong} ended wrongly; {found.asked_again} charges asked for again"
        )

    async def _drain(self, step: Step) -> str:
        async with provisioned(self.pair.servers, self.run) as shop:
            found = await drain(self.pair, self.contenders[step.contender], shop, self.settings.backlog, self._audit)
        self.results.drains.append(replace(found, round=step.round))
        return f"{found.orders:,} orders in {found.seconds:.1f} s"


async def walk(
    pair: Pair,
    run: Path,
    contenders: Mapping[str, Contender],
    settings: Settings,
    results: Results,
    steps: Sequence[Step],
) -> None:
    """All steps of a plan."""
    async with aged_shops(pair.servers, run) as aged:
        await Bench(pair, run, contenders, settings, results, aged).walk(steps)


async def _stock(running: Running, skus: Iterable[str]) -> None:
    connection = await asyncpg.connect(running.databases["inventory"])
    try:
        await connection.execute(STOCK, list(skus))
    finally:
        await connection.close()
