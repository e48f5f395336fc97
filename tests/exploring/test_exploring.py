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
from saga.exploring import Found, Sandbox, Tally, exhaust, replay, roam, sandbox, schedule_of
from tests.exploring.cinema.hall import RESTLESS
from tests.exploring.cinema.scenario import BUGS, cinema, story_of

SEED = 1
EXPLORED = "SELECT datname FROM pg_database WHERE datname LIKE 'explore%' ORDER BY datname"
PATIENCE = 60
"""Schedules at random, among which a planted bug is found."""
BY_CHANCE = {"lost update", "said outside the transaction"}
"""What takes two sagas that are in each other's way, or a way around the transaction."""


@pytest.fixture(scope="module")
async def box(servers: Servers) -> AsyncIterator[Sandbox]:
    """For the cinema, whatever is planted in it."""
    async with sandbox(cinema(), servers.postgres) as made:
        yield made


async def first(found: AsyncGenerator[Found]) -> Found:
    async with aclosing(found):
        async for each in found:
            return each
    pytest.fail("nothing was found")


async def everything(found: AsyncIterator[Found]) -> list[Found]:
    return [each async for each in found]


@pytest.mark.parametrize("bug", [bug for bug in BUGS if bug not in BY_CHANCE])
async def test_a_planted_bug_is_found_by_exhausting_one_saga_and_found_again(box: Sandbox, bug: str) -> None:
    scenario, tally = cinema(bug), Tally()
    found = await first(exhaust(scenario, story_of(bug), box, faults=0, limit=500, tally=tally))
    assert found.trace
    again = await everything(replay(scenario, found.schedule, box, tally=Tally()))
    assert found in again


@pytest.mark.parametrize("bug", BUGS)
async def test_a_planted_bug_is_found_at_random_and_found_again_by_its_seed(box: Sandbox, bug: str) -> None:
    found = await first(roam(cinema(bug), box, seed=SEED, schedules=PATIENCE, tally=Tally()))
    again = await everything(replay(cinema(bug), schedule_of(cinema(), str(found.schedule)), box, tally=Tally()))
    assert found in again


async def test_nothing_is_found_where_no_bug_is_planted(box: Sandbox) -> None:
    tally = Tally()
    for story in cinema().stories:
        exploring = exhaust(cinema(), story, box, faults=1, limit=200, tally=tally)
        assert await everything(exploring) == []
    assert await everything(roam(cinema(), box, seed=SEED, schedules=20, tally=tally)) == []
    assert tally.schedules > 80
    assert tally.actions > tally.schedules


async def test_a_clock_may_tick_at_any_moment(box: Sandbox) -> None:
    """Before the seats have been paid, while they are, or never: those are schedules of their own."""
    ticking, still = Tally(), Tally()
    for clock, tally in ((True, ticking), (False, still)):
        exploring = exhaust(cinema(clock=clock), "bought", box, faults=1, limit=500, tally=tally)
        assert await everything(exploring) == []
    assert ticking.schedules > 2 * still.schedules
    assert await everything(roam(cinema(clock=True), box, seed=SEED, schedules=20, tally=ticking)) == []


async def test_what_only_a_clock_does_wrong_is_found_by_its_ticks_alone(box: Sandbox) -> None:
    ticking, still = cinema("seats that free themselves"), replace(cinema("seats that free themselves"), clocks={})
    exploring = exhaust(still, "bought", box, faults=1, limit=500, tally=Tally())
    assert await everything(exploring) == []
    found = await first(exhaust(ticking, "bought", box, faults=0, limit=500, tally=Tally()))
    assert "hall is told by its clock to expire_holds" in found.trace


async def test_an_alarm_that_is_never_satisfied_is_told(box: Sandbox) -> None:
    found = await first(exhaust(cinema(RESTLESS), "bought", box, faults=0, limit=1, tally=Tally()))
    assert found.problem == "it never comes to rest"


async def test_an_order_that_is_cancelled_by_its_deadline_at_any_moment_is_undone(servers: Servers) -> None:
    tally = Tally()
    async with sandbox(deadlines, servers.postgres) as box:
        for story in deadlines.stories:
            assert await everything(exhaust(deadlines, story, box, faults=0, limit=25, tally=tally)) == []
        assert await everything(roam(deadlines, box, seed=SEED, schedules=3, tally=tally)) == []
    assert tally.schedules == 78


async def test_the_order_saga_is_sound_under_some_schedules(servers: Servers) -> None:
    tally = Tally()
    async with sandbox(order_saga, servers.postgres) as box:
        for story in ("cancelled", "declined"):
            assert await everything(exhaust(order_saga, story, box, faults=1, limit=25, tally=tally)) == []
        assert await everything(roam(order_saga, box, seed=SEED, schedules=5, tally=tally)) == []
    assert tally.schedules == 55


@pytest.mark.parametrize(
    "written", ["", "nonsense", "seed", "seed one", "eaten:0:1", "bought:0:one", "bought:0.0", "bought:0:0..0"]
)
def test_what_is_no_schedule_is_refused(written: str) -> None:
    with pytest.raises(CannotStart, match=f"^{written!r} is no schedule of this scenario"):
        schedule_of(cinema(), written)


@pytest.mark.parametrize("written", ["bought:0:99", "bought:0:-1", "bought:0:0.0.0.0.0.0.0.0.0.0.0.0"])
async def test_a_schedule_of_what_cannot_happen_is_refused(box: Sandbox, written: str) -> None:
    with pytest.raises(CannotStart, match=f"^'{written}' is no schedule of this scenario"):
        await everything(replay(cinema(), schedule_of(cinema(), written), box, tally=Tally()))


async def test_nothing_is_left_on_the_server(servers: Servers) -> None:
    connection = await asyncpg.connect(servers.postgres)
    try:
        before = await connection.fetch(EXPLORED)
        async with sandbox(cinema(), servers.postgres) as box:
            await everything(exhaust(cinema(), "bought", box, faults=0, limit=2, tally=Tally()))
            assert len(await connection.fetch(EXPLORED)) == len(before) + len(box)
        assert await connection.fetch(EXPLORED) == before
    finally:
        await connection.close()


async def test_the_command_tells_the_first_schedule_that_goes_wrong(
    box: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {"faults": 0, "schedules": 100, "seed": SEED, "chances": 0, "console": Console(width=200)}
    assert await explore(cinema("no undo"), box, **told) == 1  # type: ignore[arg-type] # as annotated
    words = capsys.readouterr().out
    assert "✓ bought: " in words
    told_again = words.partition("--again '")[2].partition("'")[0]
    assert told_again.startswith("declined:0:")
    schedule = schedule_of(cinema(), told_again)
    assert await explore_again(cinema("no undo"), box, schedule, Console()) == 1
    assert await explore_again(cinema(), box, schedule, Console()) == 0


@pytest.mark.parametrize("where", ["nowhere:scenario", "tests.exploring.cinema.scenario:nothing", "events:Event", ""])
def test_what_is_no_scenario_is_refused(where: str) -> None:
    with pytest.raises(CannotStart, match="say MODULE:NAME"):
        scenario_at(where)
