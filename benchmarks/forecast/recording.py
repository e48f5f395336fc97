"""A shop under a steady load with its ups and downs, looked at once a second through the observer's tables."""

import asyncio
import json
import math
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

import asyncpg

from benchmarks.forecast.episodes import CALM, EPISODES, Episode
from benchmarks.load import Load, loading
from benchmarks.ours import provisioned
from infra.local.servers import Pair
from infra.local.system import Services, as_module, services
from observer_service.handlers import observer
from saga import Service

RATE = 12.0
"""Orders a second, on average."""
LEARNING = 120.0
"""Seconds before the first episode."""
AFTERMATH = 5.0
"""Seconds that an episode goes on after the first saga is stuck."""
CALM_AGAIN = 5
"""Seconds without anybody who waits, after which an aftermath is over."""
SEED = 20261123

Writer = Callable[[str], object]

TICKS = """
    SELECT subject, said, seconds, refused, retried, parked FROM tick
    WHERE at = date_trunc('second', now() - interval '2 seconds')
"""
UNDERWAY = """
    SELECT waits_for, count(*) AS waiting, coalesce(extract(epoch FROM now() - min(waits_since)), 0)::float8 AS oldest,
           count(*) FILTER (WHERE state = 'stuck') AS stuck
    FROM saga WHERE state IN ('running', 'compensating', 'stuck') AND waits_for IS NOT NULL GROUP BY waits_for
"""


@dataclass
class Look:
    """What could be seen of a step in one second. `seconds` is the mean of what it took, `oldest` the longest wait."""

    said: int = 0
    seconds: float = 0.0
    refused: int = 0
    retried: int = 0
    parked: int = 0
    waiting: int = 0
    oldest: float = 0.0
    stuck: int = 0


@dataclass
class Second:
    """`phase`: calm, episode, or aftermath, in which what happened is still seen."""

    at: float
    phase: str
    episode: int | None
    steps: dict[str, Look] = field(default_factory=dict)

    @classmethod
    def read(cls, line: str) -> Self:
        told = json.loads(line)
        return cls(told["at"], told["phase"], told["episode"], {n: Look(**look) for n, look in told["steps"].items()})

    @property
    def stuck(self) -> int:
        return sum(look.stuck for look in self.steps.values())


def read(file: Path) -> Iterator[Second]:
    return (Second.read(line) for line in file.read_text().splitlines())


class Recorder:
    def __init__(self, tables: asyncpg.Connection, processes: Services, load: Load, orders: Path, to: Path) -> None:
        self._tables = tables
        self._processes = processes
        self._load = load
        self._orders = orders
        self._to = to
        self._rate = 1.0
        self._began = time.monotonic()

    async def record(self) -> None:
        customers = asyncio.create_task(self._place())
        with self._to.open("w") as lines:
            await self._watch(lines.write, "calm", None, LEARNING)
            for number, episode in enumerate(EPISODES):
                print(f"{number + 1:>3} of {len(EPISODES)}: {episode.service} {episode.name}", flush=True)
                await self._play(lines.write, number, episode)
        customers.cancel()

    async def _play(self, write: Writer, number: int, episode: Episode) -> None:
        self._rate = episode.rate
        if episode.is_deployed:
            await asyncio.to_thread(self._processes.stop, episode.service)
            self._processes.start(episode.service)
        await self._watch(write, "episode", number, episode.seconds, episode)
        self._rate = 1.0
        self._ail(episode, {})
        await self._watch(write, "aftermath", number, 90.0, until_calm=True)
        await self._watch(write, "calm", None, CALM)

    async def _watch(
        self, write: Writer, phase: str, number: int | None, seconds: float, episode: Episode | None = None,
        *, until_calm: bool = False
    ) -> None:  # fmt: skip
        began, stuck_at, calm = time.monotonic(), math.inf, 0
        while (now := time.monotonic()) < min(began + seconds, stuck_at + AFTERMATH) and calm < CALM_AGAIN:
            if episode and episode.course:
                self._ail(episode, dict(episode.course((now - began) / seconds)))
            second = await self._look(phase, number)
            write(json.dumps(asdict(second)) + "\n")
            waits = max((look.oldest for look in second.steps.values()), default=0.0)
            calm = calm + 1 if until_calm and not second.stuck and waits < 1 else 0
            if second.stuck and episode:
                stuck_at = min(stuck_at, now)
            await asyncio.sleep(max(0.0, now + 1 - time.monotonic()))

    async def _look(self, phase: str, number: int | None) -> Second:
        steps: defaultdict[str, Look] = defaultdict(Look)
        for row in await self._tables.fetch(TICKS):
            look = steps[row["subject"]]
            look.said, look.refused, look.retried = row["said"], row["refused"], row["retried"]
            look.parked, look.seconds = row["parked"], row["seconds"] / max(row["said"], 1)
        for row in await self._tables.fetch(UNDERWAY):
            look = steps[row["waits_for"]]
            look.waiting, look.oldest, look.stuck = row["waiting"], row["oldest"], row["stuck"]
        known = {name: look for name, look in steps.items() if "." in name and not name.endswith(".v1")}
        return Second(round(time.monotonic() - self._began, 2), phase, number, known)

    def _ail(self, episode: Episode, orders: dict[str, float]) -> None:
        if episode.course:
            (self._orders / f"{episode.service}.json").write_text(json.dumps(orders))

    async def _place(self) -> None:
        """As customers come: at random, more and less of them in waves."""
        dice = random.Random(SEED)
        while True:
            wave = 1 + 0.4 * math.sin((time.monotonic() - self._began) / 20)
            rate = RATE * wave * self._rate
            if rate:
                await self._load.place(1)
            await asyncio.sleep(dice.expovariate(rate) if rate else 0.1)


async def record(pair: Pair, run: Path, to: Path) -> None:
    async with provisioned(pair.servers, run, observed=True) as shop:
        ailing = run / "ailing"
        ailing.mkdir()
        for name in ("inventory", "payment", "shipping"):
            (ailing / f"{name}.json").write_text("{}")

        def command(service: Service) -> list[str]:
            ailment = ailing / f"{service.name}.json"
            if ailment.exists():
                return [sys.executable, "-m", "benchmarks.forecast.ailing", service.name, str(ailment)]
            return as_module(service)

        with services(shop.deployment, run, command=command) as processes:
            tables = await asyncpg.connect(shop.stopped.databases[observer.name])
            async with loading(shop.amqp, declined=0.05) as load:
                await Recorder(tables, processes, load, ailing, to).record()
            await tables.close()
