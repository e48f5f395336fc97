"""Does the fault suite notice when a mechanism is broken? Each mutant is put through what would betray it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from events import StockReserved
from inventory_service.handlers import inventory
from saga.faultpoints import Point
from tests.fault import faults
from tests.fault.siege import Siege
from tests.fault.world import world

RATE = 20.0


async def at_points(siege: Siege, *points: Point) -> None:
    """Every service that passes them dies at these points, a few times."""
    rows = [
        [faults.killed_at(service, [point for point in points if service in faults.services_of(point)] * 3)]
        for service in ("inventory", "payment", "shipping")
    ]
    await siege.rage(*rows)


async def handled(siege: Siege) -> None:
    await at_points(siege, Point.HANDLED)


async def load_only(siege: Siege) -> None:
    """Duplicates, another order of messages and lost answers are in the load already."""
    await siege.rage([faults.kill("inventory")])
    await asyncio.sleep(8)


async def relayed(siege: Siege) -> None:
    await at_points(siege, Point.RELAYED)


async def nobody_bound(siege: Siege) -> None:
    await siege.rage([faults.unheard(inventory, StockReserved, seconds=3)])


BETRAYED_BY: Mapping[str, Callable[[Siege], Awaitable[None]]] = {
    "acknowledge_before_commit": handled,
    "forget_the_inbox": load_only,
    "take_down_the_fence": load_only,
    "delete_before_confirm": relayed,
    "publish_without_mandatory": nobody_bound,
    "call_inside_the_transaction": load_only,
}


async def found_wrong(mutant: str | None, how: Callable[[Siege], Awaitable[None]], run: Path, seed: int) -> list[str]:
    """What the suite finds wrong with the mutant; with None, of the runtime as it is."""
    async with world(run, seed, RATE, mutant) as here:
        siege = Siege(here)
        try:
            await how(siege)
            return await siege.end()
        except (AssertionError, ExceptionGroup) as error:
            return [repr(error)]
