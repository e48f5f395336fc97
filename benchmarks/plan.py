"""Which measurements run, in which order: round after round, so that what the machine does meanwhile hits everybody."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

SATURATION, LATENCY, KILL, COMPENSATED, HOT, REPLICAS, DRAIN, GROWTH = MEASUREMENTS = (
    "saturation",
    "latency",
    "kill",
    "compensated",
    "hot",
    "replicas",
    "drain",
    "growth",
)
VARIANTS: Mapping[str, Sequence[int]] = {
    COMPENSATED: (0, 10, 50),  # percent of the orders
    HOT: (1, 100),  # SKUs
    REPLICAS: (1, 2, 4),
    GROWTH: (0, 1_000_000, 10_000_000),  # orders of the past
}
ONLY: Mapping[str, Collection[str]] = {
    COMPENSATED: ("ours", "limit", "textbook"),
    HOT: ("ours", "limit", "textbook"),
    REPLICAS: ("ours",),
    DRAIN: ("ours",),
    GROWTH: ("ours",),
}
"""Whom a measurement is about; the others are about everybody."""
ONCE = (DRAIN,)
"""What takes long and says the same each time."""


@dataclass(frozen=True)
class Step:
    """A contender is started for it and stopped afterwards."""

    measurement: str
    contender: str
    variant: int
    round: int

    def __str__(self) -> str:
        variant = f" {self.variant:,}" if self.measurement in VARIANTS else ""
        return f"{self.measurement}{variant}, {self.contender}, round {self.round}"


def plan(
    measurements: Collection[str],
    contenders: Sequence[str],
    rounds: Mapping[str, int],
    known: frozenset[str] = frozenset(),
) -> Iterator[Step]:
    """In the order of MEASUREMENTS: a latency is measured at a share of the saturation, which may be `known`."""
    for measurement in MEASUREMENTS:
        is_needed = measurement == SATURATION and LATENCY in measurements and not known >= set(contenders)
        if measurement not in measurements and not is_needed:
            continue
        for number in range(1, (1 if measurement in ONCE else rounds[measurement]) + 1):
            for variant in VARIANTS.get(measurement, (0,)):
                for contender in contenders:
                    if contender in ONLY.get(measurement, contenders):
                        yield Step(measurement, contender, variant, number)
