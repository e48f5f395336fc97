"""The explorer finds what is planted, tells how to see it again, and finds nothing where nothing is wrong."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from rich.console import Console

from infra.exploring import order_saga
from infra.local.servers import Servers
from saga.cli.explore import explore, explore_again, scenario_at
from saga.errors import CannotStart
from saga.exploring import Found, Tally, exhaust, replay, roam
from tests.exploring.cinema.scenario import BUGS, cinema

SEED = 1
PATIENCE = 60
"""Schedules at random, among which a planted bug is found."""
BY_CHANCE = {"lost update", "said outside the transaction"}
"""What takes two sagas that are in each other's way, or a way around the transaction."""


async def first(found: AsyncIterator[Found]) -> Found:
    async for each in found:
        return each
    pytest.fail("nothing was found")


async def everything(found: AsyncIterator[Found]) -> list[Found]:
    return [each async for each in found]


@pytest.mark.parametrize("bug", [bug for bug in BUGS if bug not in BY_CHANCE])
async def test_a_planted_bug_is_found_by_exhausting_one_saga_and_found_again(servers: Servers, bug: str) -> None:
    scenario, tally = cinema(bug), Tally()
    found = await first(exhaust(scenario, "given up", servers.postgres, faults=0, limit=500, tally=tally))
    assert found.trace
    again = await everything(replay(scenario, found.schedule, servers.postgres))
    assert found in again


@pytest.mark.parametrize("bug", BUGS)
async def test_a_planted_bug_is_found_at_random_and_found_again_by_its_seed(servers: Servers, bug: str) -> None:
    found = await first(roam(cinema(bug), servers.postgres, seed=SEED, schedules=PATIENCE, tally=Tally()))
    seed = int(found.schedule.removeprefix("seed "))
    again = await everything(roam(cinema(bug), servers.postgres, seed=seed, schedules=1, tally=Tally()))
    assert found in again


async def test_nothing_is_found_where_no_bug_is_planted(servers: Servers) -> None:
    tally = Tally()
    for story in cinema().stories:
        exploring = exhaust(cinema(), story, servers.postgres, faults=1, limit=200, tally=tally)
        assert await everything(exploring) == []
    assert await everything(roam(cinema(), servers.postgres, seed=SEED, schedules=20, tally=tally)) == []
    assert tally.schedules > 80
    assert tally.actions > tally.schedules


async def test_the_order_saga_is_sound_under_some_schedules(servers: Servers) -> None:
    tally = Tally()
    for story in ("cancelled", "declined"):
        assert await everything(exhaust(order_saga, story, servers.postgres, faults=1, limit=25, tally=tally)) == []
    assert await everything(roam(order_saga, servers.postgres, seed=SEED, schedules=5, tally=tally)) == []
    assert tally.schedules == 55


@pytest.mark.parametrize("schedule", ["nonsense", "eaten:0:1", "bought:0:one"])
async def test_what_is_no_schedule_is_refused(servers: Servers, schedule: str) -> None:
    with pytest.raises(CannotStart, match="is no schedule of this scenario"):
        await everything(replay(cinema(), schedule, servers.postgres))


async def test_nothing_is_left_on_the_server(servers: Servers) -> None:
    await everything(exhaust(cinema(), "bought", servers.postgres, faults=0, limit=2, tally=Tally()))
    connection = await asyncpg.connect(servers.postgres)
    try:
        assert await connection.fetch("SELECT datname FROM pg_database WHERE datname LIKE 'explore%'") == []
    finally:
        await connection.close()


async def test_the_command_tells_the_first_schedule_that_goes_wrong(
    servers: Servers, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {"faults": 0, "schedules": 100, "seed": SEED, "chances": 0, "console": Console(width=200)}
    assert await explore(cinema("no undo"), servers.postgres, **told) == 1  # type: ignore[arg-type] # as annotated
    words = capsys.readouterr().out
    assert "✓ bought: " in words
    schedule = words.partition("--again '")[2].partition("'")[0]
    assert schedule.startswith("declined:0:")
    assert await explore_again(cinema("no undo"), servers.postgres, schedule, Console()) == 1
    assert await explore_again(cinema(), servers.postgres, schedule, Console()) == 0


@pytest.mark.parametrize("where", ["nowhere:scenario", "tests.exploring.cinema.scenario:nothing", "events:Event", ""])
def test_what_is_no_scenario_is_refused(where: str) -> None:
    with pytest.raises(CannotStart, match="say MODULE:NAME"):
        scenario_at(where)
