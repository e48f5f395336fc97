"""What happens to the shop while it is recorded: ailments that end with sagas stuck, and disturbances that don't."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Course = Callable[[float], Mapping[str, float]]
"""What ails a service, by the share of the episode that is over."""

CALM = 15.0
"""Seconds between two episodes."""


@dataclass(frozen=True)
class Episode:
    """`service` ails by `course` for so long, or until sagas are stuck; or else orders come at `rate` times their usual
    pace, or it is deployed anew. `tunes`: detectors are tuned by it, and not judged.
    """

    name: str
    tunes: bool
    seconds: float
    service: str = ""
    course: Course | None = None
    rate: float = 1.0
    is_deployed: bool = False

    @property
    def is_ailment(self) -> bool:
        return self.course is not None


def _ailments(service: str, *, tunes: bool, pace: float) -> list[Episode]:
    courses: dict[str, Course] = {
        "slower and slower": lambda share: {"latency": 0.002 * 5000**share},
        "slower by the second": lambda share: {"latency": 10 * share},
        "slow at once": lambda _: {"latency": 1.5},
        "answers get lost": lambda share: {"lost": min(1.0, 1.4 * share)},
        "connections leak": lambda _: {"leaked": 0.05},
        "away": lambda _: {"lost": 1.0},
    }
    return [Episode(name, tunes, 45 * pace, service, course) for name, course in courses.items()]


def _disturbances(service: str, *, tunes: bool, pace: float) -> list[Episode]:
    return [
        Episode("four times the orders", tunes, 20 * pace, rate=4),
        Episode("no orders", tunes, 12 * pace, rate=0),
        Episode("deployed anew", tunes, 12 * pace, service, is_deployed=True),
    ]


def _broken(*, tunes: bool, most: float, pace: float) -> list[Episode]:
    return [Episode("handler breaks", tunes, 45 * pace, "inventory", lambda share: {"broken": most * share})]


EPISODES = [
    *_disturbances("payment", tunes=True, pace=1.0),
    *_ailments("payment", tunes=True, pace=1.0),
    *_broken(tunes=True, most=0.8, pace=1.0),
    *_disturbances("shipping", tunes=False, pace=1.3),
    *_ailments("shipping", tunes=False, pace=1.3),
    *_broken(tunes=False, most=1.0, pace=1.3),
]
