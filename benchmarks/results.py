"""What was measured, as records that are kept as JSON, and what several rounds of it say."""

import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from pydantic import TypeAdapter

LONE_RATE = 5.0
"""Orders a second, so that each is alone; the latency's `percent` is then 0."""


@dataclass(frozen=True)
class Machine:
    """On which it was measured, and when."""

    processors: int
    processor: str
    memory: int
    system: str
    python: str
    servers: str
    when: str


@dataclass(frozen=True)
class Saturation:
    """Orders placed as fast as they end, until the last has ended and every queue is empty."""

    measurement: str
    contender: str
    variant: int
    """Percent of declined cards, SKUs, replicas or old orders, as the measurement is; 0 else."""
    round: int
    in_flight: int
    placed: int
    ended: int
    seconds: float
    processor: Mapping[str, float]
    """Milliseconds a saga, by process."""
    memory: Mapping[str, float]
    """MB at the end, by process of the contender."""
    wal: float
    """Bytes a saga."""
    writes: float
    """Transactions a saga that wrote."""

    @property
    def rate(self) -> float:
        return self.ended / self.seconds


@dataclass(frozen=True)
class Latency:
    """From when an order was due to when its end was heard, in milliseconds."""

    contender: str
    percent: int
    round: int
    rate: float
    orders: int
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True)
class Drain:
    """A backlog that waited for the services to start."""

    contender: str
    round: int
    orders: int
    seconds: float
    memory: Mapping[str, Sequence[float]]
    """MB each second, by process."""


@dataclass(frozen=True)
class Kill:
    """What became of orders whose processes were all killed and started again."""

    contender: str
    round: int
    placed: int
    never_begun: int
    halfway: int
    """Stock is held, and nothing is on its way."""
    wrong: int
    """Stock given back and money kept, or goods on their way without money."""
    asked_again: int
    """Charges that the gateway was asked for more than once: where it honours no key, money taken twice."""


@dataclass
class Results:
    machine: Machine
    seconds: float
    saturations: list[Saturation] = field(default_factory=list)
    latencies: list[Latency] = field(default_factory=list)
    drains: list[Drain] = field(default_factory=list)
    kills: list[Kill] = field(default_factory=list)
    audited: int = 0
    """Orders of ours that were held against each other in all books, after the runs that made them."""
    commands: list[str] = field(default_factory=list)
    """What was run, one after the other."""
    failures: list[str] = field(default_factory=list)
    """Measurements that came to no end, and why."""

    def of(self, measurement: str, contender: str, variant: int = 0) -> list[Saturation]:
        wanted = (measurement, contender, variant)
        return [each for each in self.saturations if (each.measurement, each.contender, each.variant) == wanted]

    def rate(self, contender: str, measurement: str = "saturation", variant: int = 0) -> "Spread | None":
        return self.spread(measurement, contender, variant, lambda each: each.rate)

    def spread(
        self, measurement: str, contender: str, variant: int, figure: Callable[[Saturation], float]
    ) -> "Spread | None":
        return Spread.of([figure(each) for each in self.of(measurement, contender, variant)])

    def latency(self, contender: str, percent: int, share: str) -> "Spread | None":
        found = [each for each in self.latencies if (each.contender, each.percent) == (contender, percent)]
        return Spread.of([getattr(each, share) for each in found])

    def contenders(self, measurement: str = "saturation") -> list[str]:
        return list(dict.fromkeys(each.contender for each in self.saturations if each.measurement == measurement))

    def variants(self, measurement: str) -> list[int]:
        return sorted({each.variant for each in self.saturations if each.measurement == measurement})

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_JSON.dump_json(self, indent=1) + b"\n")

    @staticmethod
    def read(path: Path) -> "Results":
        return _JSON.validate_json(path.read_bytes())


@dataclass(frozen=True)
class Spread:
    """Of several rounds."""

    median: float
    low: float
    high: float

    @staticmethod
    def of(values: Sequence[float]) -> "Spread | None":
        """None, where nothing was measured."""
        return Spread(median(values), min(values), max(values)) if values else None


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest rank: the least value that so many percent of all do not exceed."""
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(int(rank), 1) - 1]


def this_machine(servers: str) -> Machine:
    models = [line.split(":")[1] for line in _text("/proc/cpuinfo").splitlines() if line.startswith("model name")]
    return Machine(
        processors=os.cpu_count() or 1,
        processor=(models or [platform.machine()])[0].strip(),
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        servers=servers,
        when=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    )


def _text(path: str) -> str:
    return Path(path).read_text() if Path(path).exists() else ""


_JSON: TypeAdapter[Results] = TypeAdapter(Results)
