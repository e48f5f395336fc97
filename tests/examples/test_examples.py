"""What every example shows: it is proven, explored, and keeps its laws while its services are killed."""

import asyncio
import os
import sys
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import pytest

from examples.__main__ import names, scenario
from examples.playing import ENDED, OBSERVER, Play
from infra.local.system import as_module
from saga import Service
from saga.checking import check
from saga.exploring import Tally, exhaust, roam
from saga.faultpoints import Point
from tests.examples.conftest import Playing, Sandboxes

STORIES = [(name, story) for name in names() for story in scenario(name).stories]
SEED = 1
CHANCES = 8
DEADLY = (Point.HANDLED, Point.COMMITTED, Point.PUBLISHING, Point.CONFIRMED)
EVERY = 0.1
"""Seconds between two sagas."""
MOST = 600
"""Sagas told, however few have died."""


@pytest.mark.parametrize("name", names())
def test_it_is_proven(name: str) -> None:
    report = check(scenario(name).services)
    assert report.proven, "\n".join(map(str, report.findings))


@pytest.mark.parametrize(("name", "story"), STORIES)
async def test_no_schedule_of_a_saga_goes_wrong(sandbox_of: Sandboxes, name: str, story: str) -> None:
    tally = Tally()
    exploring = exhaust(scenario(name), story, await sandbox_of(name), faults=1, limit=40, tally=tally)
    found = [one async for one in exploring]
    assert not found, found
    assert tally.schedules > 0


@pytest.mark.parametrize("name", names())
async def test_no_schedule_of_several_sagas_at_random_goes_wrong(sandbox_of: Sandboxes, name: str) -> None:
    tally = Tally()
    roaming = roam(scenario(name), await sandbox_of(name), seed=SEED, schedules=CHANCES, tally=tally)
    found = [one async for one in roaming]
    assert not found, found
    assert tally.schedules == CHANCES


@dataclass
class Doomed:
    """Starts each service so that it dies at the next of these points, as often as there are any left."""

    diary: Path
    points: defaultdict[str, deque[Point]] = field(default_factory=lambda: defaultdict(lambda: deque(DEADLY)))

    def __call__(self, service: Service) -> list[str]:
        if service.name == OBSERVER or not self.points[service.name]:
            return as_module(service)
        at = self.points[service.name].popleft()
        return [
            *(sys.executable, "-m", "tests.fault.puppet", service.package),
            *("--diary", str(self.diary), "--kill-at", at, "--after", "3"),
        ]

    def deaths(self) -> set[tuple[str, str]]:
        """Each service, and where it has died."""
        lines = self.diary.read_text().split() if self.diary.exists() else []
        return {(service, point) for service, _, point in (line.partition("@") for line in lines)}


@pytest.mark.timeout(300)
@pytest.mark.skipif(
    not os.environ.get("SAGA_TEST_EXAMPLES"), reason="takes minutes; to have it run, set SAGA_TEST_EXAMPLES=1"
)
@pytest.mark.parametrize("name", names())
async def test_its_laws_hold_while_its_services_are_killed(play: Playing, tmp_path: Path, name: str) -> None:
    """Each dies before and after its commit, and with its events on their way: every saga ends, and books balance."""
    doomed = Doomed(tmp_path / "deaths")
    acting = {service.name for service in scenario(name).services if service.followers}
    wanted = {(service, str(point)) for service in acting for point in DEADLY}
    async with play(name, doomed) as here, reviving(here):
        sagas = []
        for title in cycle(here.titles):
            sagas.append(await here.tell(title))
            await asyncio.sleep(EVERY)
            if wanted <= doomed.deaths() or len(sagas) == MOST:
                break
        ends = [await here.ended(saga) for saga in sagas]
        await here.balanced()
    assert wanted <= doomed.deaths()
    assert set(ends) <= ENDED


@asynccontextmanager
async def reviving(here: Play) -> AsyncIterator[None]:
    """Whatever ends within the block is started again."""
    over = asyncio.Event()

    async def revive() -> None:
        while not over.is_set():
            await asyncio.to_thread(here.processes.revive)
            await asyncio.sleep(0.1)

    watch = asyncio.create_task(revive())
    try:
        yield
    finally:
        over.set()
        await watch
