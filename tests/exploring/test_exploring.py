"""The explorer finds what is planted, tells how to see it again, and finds nothing where nothing is wrong."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import asyncpg
import pytest
from rich.console import Console

from infra.exploring import deadlines, order_saga
from infra.local.servers import Servers
from saga.cli.explore import explore, explore_again, scenario_at
from saga.errors import CannotStart
from saga.exploring import Found, Tally, exhaust, replay, roam
from tests.exploring.cinema.hall import RESTLESS
from tests.exploring.cinema.scenario import BUGS, cinema, story_of

SEED = 1
PATIENCE = 60
"""Schedules at random, among which a planted bug is found."""
BY_CHANCE = {"lost update", "said outside the transaction"}
"""What takes two sagas that are in each other's way, or a way around the transaction."""


async def first(found: AsyncGenerator[Found]) -> Found:
    async with aclosing(found):
        async for each in found:
            return each
    pytest.fail("nothing was found")


async def everything(found: AsyncIterator[Found]) -> list[Found]:
    return [each async for each in found]


@pytest.mark.parametrize("bug", [bug for bug in BUGS if bug not in BY_CHANCE])
async def test_a_planted_bug_is_found_by_exhausting_one_saga_and_found_again(servers: Servers, bug: str) -> None:
    scenario, tally = cinema(bug), Tally()
    found = await first(exhaust(scenario, story_of(bug), servers.postgres, faults=0, limit=500, tally=tally))
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


async def test_a_clock_may_tick_at_any_moment(servers: Servers) -> None:
    """Before the seats have been paid, while they are, or never: those are schedules of their own."""
    ticking, still = Tally(), Tally()
    for clock, tally in ((True, ticking), (False, still)):
        exploring = exhaust(cinema(clock=clock), "bought", servers.postgres, faults=1, limit=500, tally=tally)
        assert await everything(exploring) == []
    assert ticking.schedules > 2 * still.schedules
    assert await everything(roam(cinema(clock=True), servers.postgres, seed=SEED, schedules=20, tally=ticking)) == []


async def test_what_only_a_clock_does_wrong_is_found_by_its_ticks_alone(servers: Servers) -> None:
    ticking, still = cinema("seats that free themselves"), replace(cinema("seats that free themselves"), clocks={})
    exploring = exhaust(still, "bought", servers.postgres, faults=1, limit=500, tally=Tally())
    assert await everything(exploring) == []
    found = await first(exhaust(ticking, "bought", servers.postgres, faults=0, limit=500, tally=Tally()))
    assert "hall is told by its clock to expire_holds" in found.trace


async def test_an_alarm_that_is_never_satisfied_is_told(servers: Servers) -> None:
    found = await first(exhaust(cinema(RESTLESS), "bought", servers.postgres, faults=0, limit=1, tally=Tally()))
    assert found.problem == "it never comes to rest"


async def test_an_order_that_is_cancelled_by_its_deadline_at_any_moment_is_undone(servers: Servers) -> None:
    tally = Tally()
    for story in deadlines.stories:
        assert await everything(exhaust(deadlines, story, servers.postgres, faults=0, limit=25, tally=tally)) == []
    assert await everything(roam(deadlines, servers.postgres, seed=SEED, schedules=3, tally=tally)) == []
    assert tally.schedules == 78


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
