"""How fast the explorer finds what is planted, as a table: `python -m infra.local run -- python -m tests.exploring`."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from saga.exploring import Found, Sandbox, Tally, exhaust, roam, sandbox
from tests.exploring.cinema.scenario import BUGS, cinema, story_of
from tests.exploring.test_exploring import BY_CHANCE, PATIENCE, SEED

MOST = 500
"""Schedules of one saga."""


async def found(exploring: AsyncGenerator[Found], tally: Tally) -> Sequence[str]:
    """The schedule that shows it, how many it took, and the seconds."""
    began = time.perf_counter()
    async with aclosing(exploring):
        schedule = await anext((f"`{one.schedule}`" async for one in exploring), "not found")
        return schedule, str(tally.schedules), f"{time.perf_counter() - began:.1f}"


async def main() -> None:
    async with sandbox(cinema(), os.environ["SAGA_ADMIN_POSTGRES_URL"]) as box:
        await table(box)


async def table(box: Sandbox) -> None:
    print("| planted | exhausting one saga | schedules | seconds | at random | schedules | seconds |")
    print("|---|---|---|---|---|---|---|")
    for bug in BUGS:
        first: Sequence[str] = ("it takes two sagas, or a way around the transaction", "—", "—")
        if bug not in BY_CHANCE:
            tally = Tally()
            first = await found(exhaust(cinema(bug), story_of(bug), box, faults=0, limit=MOST, tally=tally), tally)
        tally = Tally()
        second = await found(roam(cinema(bug), box, seed=SEED, schedules=PATIENCE, tally=tally), tally)
        print(f"| {bug} | {' | '.join((*first, *second))} |", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
