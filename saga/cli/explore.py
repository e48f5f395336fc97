"""`saga explore`: real handlers and SQL under every schedule, and under schedules at random."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from rich.console import Console
from rich.text import Text

from saga.errors import CannotStart
from saga.exploring import Found, Sandbox, Scenario, Schedule, Tally, exhaust, replay, roam
from saga.installed import named


def scenario_at(where: str) -> Scenario:
    """What `module:name` names. Raises CannotStart."""
    found = named(where)
    if not isinstance(found, Scenario):
        raise CannotStart(f"{where!r} is a {type(found).__name__}", "say MODULE:NAME of a Scenario")
    return found


async def explore(
    scenario: Scenario, sandbox: Sandbox, *, faults: int, schedules: int, seed: int, chances: int, console: Console
) -> int:
    """Exhaust each story, then roam; the exit code. It ends with the first schedule that goes wrong."""
    for story in scenario.stories:
        tally = Tally()
        exploring = exhaust(scenario, story, sandbox, faults=faults, limit=schedules, tally=tally)
        if await _tell(story, exploring, tally, console):
            return 1
    tally = Tally()
    roaming = roam(scenario, sandbox, seed=seed, schedules=chances, tally=tally)
    return int(await _tell(f"at random, from seed {seed}", roaming, tally, console))


async def explore_again(scenario: Scenario, sandbox: Sandbox, schedule: Schedule, console: Console) -> int:
    """One schedule, as it was told; the exit code."""
    tally = Tally()
    return int(await _tell(str(schedule), replay(scenario, schedule, sandbox, tally=tally), tally, console))


async def _tell(what: str, exploring: AsyncGenerator[Found], tally: Tally, console: Console) -> bool:
    """Whether anything was found, which is told."""
    began = time.perf_counter()
    async with aclosing(exploring):
        found = await anext(exploring, None)
    if found:
        console.print(Text.assemble(("✗ ", "red"), found.problem), soft_wrap=True)
        for number, line in enumerate(found.trace, 1):
            console.print(f"  {number:2}. {line}", highlight=False, markup=False, soft_wrap=True)
        console.print(f"See it again with --again '{found.schedule}'.", highlight=False, markup=False, soft_wrap=True)
        return True
    looked = f"{tally.schedules:,} schedules, {tally.actions:,} actions, {time.perf_counter() - began:.1f} s"
    console.print(Text.assemble(("✓ ", "green"), f"{what}: {looked}"))
    return False
