"""Nothing lost, nothing twice, nothing stuck: on real servers that are killed, cut off and made to lie."""

import os
import random
from pathlib import Path

import pytest

from saga.faultpoints import Point
from saga.testing import eventually
from tests.fault import plan
from tests.fault.siege import Siege
from tests.fault.world import World, world

SEED = int(os.environ.get("SAGA_TEST_SEED", "1"))
"""Decides the orders and the faults. A run that fails names it."""
ORDERS = 300
"""Placed at least, however soon all faults are over."""


@pytest.mark.timeout(900)
async def test_every_promise_is_kept_through_every_fault(tmp_path: Path) -> None:
    """Services killed at every fault point, servers killed, connections cut or half open, alarms, wrong clocks: every
    order ends as it must, and all books balance.
    """
    async with world(tmp_path, SEED, rate=10) as here:
        siege = Siege(here)
        await siege.rage(*plan.at_points(times=1))
        await siege.rage(*plan.one_of_each(random.Random(SEED)))
        await eventually(lambda: _has_placed(here, ORDERS), within=60)
        wrong = await siege.end()
        assert not wrong, f"seed {SEED}:\n" + "\n".join(wrong[:30]) + "\n" + here.stories(wrong)
        assert {point for _, point in here.deaths()} == set(Point)


async def _has_placed(here: World, orders: int) -> bool:
    return len(here.load.promises) >= orders
