"""Faults under load: strike, wait until the system has recovered by itself, and at the end hold it to its promises."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import asyncpg
import structlog

from saga.testing import eventually
from tests.fault.faults import Fault
from tests.fault.world import World

log = structlog.get_logger()

LOOKED_AT = 1000
"""The newest orders before a fault is over: when all of these have come to an end, the system has recovered."""
RECOVERED_WITHIN = 300.0


@dataclass
class Siege:
    """Seconds from the end of each fault until all orders from before it had come to an end, by kind of fault."""

    world: World
    struck: Counter[str] = field(default_factory=Counter)
    recoveries: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    async def strike(self, *faults: Fault) -> None:
        """One after the other; each after the system has recovered from the one before."""
        for fault in faults:
            await self._happen(fault)
            self.recoveries[fault.kind].append(await self.recovery(f"{fault.kind} ({fault.what})"))

    async def rage(self, *rows: Iterable[Fault]) -> None:
        """Several rows at the same time, the faults of each one after the other, without waiting for a recovery."""
        async with asyncio.TaskGroup() as raging:
            for row in rows:
                raging.create_task(self._row(row))

    async def _row(self, faults: Iterable[Fault]) -> None:
        for fault in faults:
            await self._happen(fault)

    async def _happen(self, fault: Fault) -> None:
        log.info("fault", kind=fault.kind, what=fault.what)
        await fault.happen(self.world)
        self.struck[fault.kind] += 1

    async def end(self) -> list[str]:
        """Stop the load, wait until nothing moves any more, and tell what is wrong."""
        self.world.load.stop()
        await self.world.loading
        await self.world.drained()
        return await self.world.judge()

    async def recovery(self, what: str) -> float:
        """Seconds from now until the newest orders have all come to an end."""
        loop = asyncio.get_running_loop()
        over = loop.time()
        orders = list(self.world.load.promises)[-LOOKED_AT:]

        async def is_recovered() -> bool:
            try:
                left = await self.world.unfinished(orders)
            except (OSError, asyncpg.PostgresError):
                return False
            assert not left, f"{left} orders are still open after {what}"
            return True

        await eventually(is_recovered, within=RECOVERED_WITHIN)
        return loop.time() - over
