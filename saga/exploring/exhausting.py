"""Every schedule of one saga, up to so many faults.

What different services do next can be done in either order with the same result, since they share no database. Of such
schedules one is enough: the others sleep (Godefroid, Partial-Order Methods for the Verification of Concurrent Systems).
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from uuid import UUID

from saga.exploring.company import Company, company
from saga.exploring.findings import Found, Tally
from saga.exploring.judge import Judge
from saga.exploring.member import Failed, Restless
from saga.exploring.sandbox import Sandbox
from saga.exploring.scenario import Scenario
from saga.exploring.scene import Action, Scene
from saga.exploring.schedule import Searched, no_schedule
from saga.exploring.single import Single, single

SAGA = UUID("00000000-0000-7000-8000-000000000001")
NOBODY: frozenset[Action] = frozenset()
LONGEST = 150
"""Actions: a schedule that goes on after them goes on for ever."""


class Enough(Exception):
    """As many schedules as were wanted."""


@dataclass(frozen=True)
class Path:
    """What was chosen at each scene, by its place among all that could have happened there; and in words."""

    choices: tuple[int, ...] = ()
    told: tuple[str, ...] = ()

    def then(self, choice: int, action: Action) -> "Path":
        return Path((*self.choices, choice), (*self.told, str(action)))


@dataclass
class Exhausting:
    """A depth-first search, in which databases go back where the search does."""

    company: Company
    judge: Judge
    story: str
    faults: int
    limit: int
    tally: Tally = field(default_factory=Tally)

    async def search(self, scene: Scene, asleep: frozenset[Action], path: Path) -> AsyncGenerator[Found]:
        """What is wrong at the end of any schedule that goes on from here."""
        if scene.is_quiet:
            self.tally.schedules += 1
            self.limit -= 1
            async for problem in self.judge.broken(self.company, scene):
                yield self._found(problem, path)
            if self.limit <= 0:
                raise Enough
        tried: set[Action] = set()
        for choice, action in enumerate(scene.actions()):
            if action not in asleep:
                still = frozenset(other for other in asleep | tried if other.commutes(action))
                async with aclosing(self.follow(action, scene, still, path.then(choice, action))) as found:
                    async for each in found:
                        yield each
                tried.add(action)

    async def follow(
        self, action: Action, scene: Scene, asleep: frozenset[Action], path: Path
    ) -> AsyncGenerator[Found]:
        """The same, of schedules in which this comes next."""
        pool: Single = self.company.members[action.service].pool  # type: ignore[assignment] # `single` has made it
        if len(path.choices) > LONGEST:
            yield self._found(str(Restless()), path)
            return
        async with pool.going_back():
            self.tally.actions += 1
            try:
                after = await self.company.after(action, scene)
            except Failed as failure:
                yield self._found(str(failure), path)
                return
            async with aclosing(self.search(after, asleep, path)) as found:
                async for each in found:
                    yield each

    async def replay(self, scene: Scene, schedule: Searched) -> AsyncGenerator[Found]:
        """What is wrong at the end of this one schedule. Raises CannotStart, if it chooses what can't happen."""
        path = Path()
        try:
            for choice in schedule.choices:
                possible = scene.actions()
                if not 0 <= choice < len(possible):
                    raise no_schedule(str(schedule))
                path = path.then(choice, possible[choice])
                self.tally.actions += 1
                scene = await self.company.after(possible[choice], scene)
        except Failed as failure:
            yield self._found(str(failure), path)
            return
        self.tally.schedules += 1
        async for problem in self.judge.broken(self.company, scene):
            yield self._found(problem, path)

    def _found(self, problem: str, path: Path) -> Found:
        return Found(problem, path.told, Searched(self.story, self.faults, path.choices))


async def exhaust(
    scenario: Scenario, story: str, sandbox: Sandbox, *, faults: int, limit: int, tally: Tally
) -> AsyncGenerator[Found]:
    """What is wrong in any schedule of this story with at most so many faults, as it is found; `limit` of them at most.

    What was looked at is counted in `tally`.
    """
    async with company(scenario, sandbox, single) as services:
        await services.begin()
        search = Exhausting(services, Judge(scenario), story, faults, limit, tally)
        scene = await services.opening(scenario.stories[story](SAGA), faults)
        try:
            async with aclosing(search.search(scene, NOBODY, Path())) as found:
                async for each in found:
                    yield each
        except Enough:
            return


async def search_again(scenario: Scenario, schedule: Searched, sandbox: Sandbox, tally: Tally) -> AsyncGenerator[Found]:
    """What is wrong at the end of a schedule that `exhaust` has told. Raises CannotStart, if it hasn't."""
    async with company(scenario, sandbox, single) as services:
        await services.begin()
        search = Exhausting(services, Judge(scenario), schedule.story, schedule.faults, 1, tally)
        opening = await services.opening(scenario.stories[schedule.story](SAGA), schedule.faults)
        async with aclosing(search.replay(opening, schedule)) as found:
            async for each in found:
                yield each
