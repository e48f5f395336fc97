"""What makes a schedule happen again, and how that is written down."""

from dataclasses import dataclass

from saga.errors import CannotStart
from saga.exploring.scenario import Scenario

_SEED = "seed "


@dataclass(frozen=True)
class Searched:
    """One of those of a story with at most so many faults: at each scene, what was chosen of all that could happen."""

    story: str
    faults: int
    choices: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.story}:{self.faults}:{'.'.join(map(str, self.choices))}"


@dataclass(frozen=True)
class Drawn:
    """One at random."""

    seed: int

    def __str__(self) -> str:
        return f"{_SEED}{self.seed}"


Schedule = Searched | Drawn


def schedule_of(scenario: Scenario, written: str) -> Schedule:
    """What was written as the schedule's `str`. Raises CannotStart."""
    try:
        if written.startswith(_SEED):
            return Drawn(int(written.removeprefix(_SEED)))
        story, faults, choices = written.rsplit(":", 2)
        if story in scenario.stories:
            return Searched(story, int(faults), tuple(map(int, choices.split("."))) if choices else ())
    except ValueError:
        pass
    raise no_schedule(written)


def no_schedule(written: str) -> CannotStart:
    return CannotStart(f"{written!r} is no schedule of this scenario", "give one as it was told")
