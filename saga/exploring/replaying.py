"""One schedule, once more."""

from collections.abc import AsyncGenerator

from saga.exploring.exhausting import search_again
from saga.exploring.findings import Found, Tally
from saga.exploring.roaming import roam
from saga.exploring.sandbox import Sandbox
from saga.exploring.scenario import Scenario
from saga.exploring.schedule import Drawn, Schedule


def replay(scenario: Scenario, schedule: Schedule, sandbox: Sandbox, *, tally: Tally) -> AsyncGenerator[Found]:
    """What is wrong at the end of it. Raises CannotStart, if it chooses what can't happen in this scenario.

    What was looked at is counted in `tally`.
    """
    if isinstance(schedule, Drawn):
        return roam(scenario, sandbox, seed=schedule.seed, schedules=1, tally=tally)
    return search_again(scenario, schedule, sandbox, tally)
