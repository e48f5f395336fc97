"""What an exploration tells."""

from dataclasses import dataclass

from saga.exploring.schedule import Schedule


@dataclass(frozen=True)
class Found:
    """What is wrong at the end of a schedule, and how it came about. `schedule` makes it happen again."""

    problem: str
    trace: tuple[str, ...]
    schedule: Schedule


@dataclass
class Tally:
    """How much has been looked at so far."""

    schedules: int = 0
    actions: int = 0
