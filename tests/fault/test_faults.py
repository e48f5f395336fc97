"""Nothing lost, nothing twice, nothing stuck: on real servers that are killed, cut off and made to lie."""

import os
import random
from pathlib import Path

import pytest

from saga.faultpoints import Point
from tests.fault import plan
from tests.fault.siege import Siege
from tests.fault.world import world

SEED = int(os.environ.get("SAGA_TEST_SEED", "1"))
"""Decides the orders and the faults. A run that fails names it."""


@pytest.mark.timeout(900)
async def test_every_promise_is_kept_through_every_fault(tmp_path: Path) -> None:
    """Services killed at every fault point, servers killed, connections cut or half open, alarms, wrong clocks: every
    order ends as it must, and all books balance.
    """
    async with world(tmp_path, SEED, rate=10) as here:
        siege = Siege(here)
        await siege.rage(*plan.at_points(times=1))
        await siege.rage(*plan.one_of_each(random.Random(SEED)))
        wrong = await siege.end()
        assert not wrong, f"seed {SEED}:\n" + "\n".join(wrong[:30]) + "\n" + here.stories(wrong)
        assert {point for _, point in here.deaths()} == set(Point)
        assert len(here.load.promises) > 200
