"""Schedules at random: several sagas at once, any faults, and two transactions that cross in one database."""

from collections.abc import AsyncGenerator
from random import Random
from uuid import UUID

from events import Message
from saga.exploring.company import Company, company
from saga.exploring.findings import Found, Tally
from saga.exploring.judge import Judge
from saga.exploring.member import Failed, Restless
from saga.exploring.pacing import PacedPool, paced
from saga.exploring.sandbox import Sandbox
from saga.exploring.scenario import Scenario
from saga.exploring.scene import Action, How, Scene
from saga.exploring.schedule import Drawn

SAGAS = 3
FAULTS = 4
COPIES = 2
CROSSINGS = 0.5
"""Of the actions that could cross with another one of the same service, so many do."""
LONGEST = 1_000
"""Actions: a schedule that goes on after them goes on for ever."""
FAULTY = 0.2
"""While faults are left, so many actions are faults."""


async def roam(
    scenario: Scenario, sandbox: Sandbox, *, seed: int, schedules: int, tally: Tally
) -> AsyncGenerator[Found]:
    """What is wrong in so many schedules, the first of which is that of this seed, the next that of the seed after it.

    What was looked at is counted in `tally`.
    """
    async with company(scenario, sandbox, paced) as services:
        judge = Judge(scenario)
        for number in range(seed, seed + schedules):
            roaming = Roaming(services, Random(number), tally)  # noqa: S311 - nobody is to be surprised
            await services.begin()
            schedule = Drawn(number)
            try:
                scene = await roaming.play(scenario)
            except Failed as failure:
                yield Found(str(failure), tuple(roaming.told), schedule)
                return  # what it has left behind would be found again and again
            broken = [problem async for problem in judge.broken(services, scene)]
            tally.schedules += 1
            for problem in broken:
                yield Found(problem, tuple(roaming.told), schedule)
            if broken:
                return


class Roaming:
    """One schedule."""

    def __init__(self, services: Company, random: Random, tally: Tally) -> None:
        self._company = services
        self._random = random
        self._tally = tally
        self.told: list[str] = []

    async def play(self, scenario: Scenario) -> Scene:
        """Until nothing is on its way any more."""
        scene = await self._opening(scenario)
        while not scene.is_quiet:
            if len(self.told) > LONGEST:
                raise Restless
            action = self._choose(scene)
            partner = self._partner(action, scene)
            self._tally.actions += 1 + bool(partner)
            if partner:
                scene = await self._cross(action, partner, scene)
            else:
                self.told.append(str(action))
                scene = await self._company.after(action, scene)
        return scene

    async def _opening(self, scenario: Scenario) -> Scene:
        said: list[Message] = []
        for _ in range(self._random.randint(1, SAGAS)):
            story = self._random.choice(sorted(scenario.stories))
            saga = UUID(int=self._random.getrandbits(128), version=4)
            self.told.append(f"{story}: {saga}")
            said += scenario.stories[story](saga)
        return await self._company.opening(said, FAULTS, COPIES)

    def _choose(self, scene: Scene) -> Action:
        actions = scene.actions()
        faults = [action for action in actions if action.is_fault]
        if faults and self._random.random() < FAULTY:
            return self._random.choice(faults)
        return self._random.choice([action for action in actions if not action.is_fault])

    def _partner(self, action: Action, scene: Scene) -> Action | None:
        """Another of the same service; or the same alarm, in another replica."""
        if action.is_fault:
            return None
        others = [
            other
            for other in scene.actions()
            if other.service == action.service and (other != action or other.how is How.RINGING) and not other.is_fault
        ]
        return self._random.choice(others) if others and self._random.random() < CROSSINGS else None

    async def _cross(self, first: Action, second: Action, scene: Scene) -> Scene:
        """Both at once. What was in the other's way is done again later."""
        self.told.append(f"{first}, and at the same time with {second.what}")
        member = self._company.members[first.service]
        pool: PacedPool = member.pool  # type: ignore[assignment] # `paced` has made it
        outcomes = await pool.pace.cross(
            self._random, pool.monitor, member.act(first, scene), member.act(second, scene)
        )
        for action, outcome in zip((first, second), outcomes, strict=True):
            if isinstance(outcome, BaseException):
                raise outcome
            scene = scene.without(action) if outcome else scene
        return await self._company.following(member, scene)
