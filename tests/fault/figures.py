"""What the fault suite has measured, as a page shows it."""

import os
import platform
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from saga.faultpoints import Point
from tests.fault.faults import AT_POINTS
from tests.fault.load import KINDS
from tests.fault.siege import Siege

BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


@dataclass
class Figures:
    """What was done in all runs, and what became of it."""

    orders: Counter[str] = field(default_factory=Counter)
    deaths: Counter[Point] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)
    recoveries: dict[str, list[float]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    mutants: dict[str, list[str]] = field(default_factory=dict)
    seconds: float = 0.0
    elected: int = 0
    servers: str = ""

    def add(self, siege: Siege, wrong: Sequence[str]) -> None:
        here = siege.world
        self.orders.update(here.load.counts)
        for (_, point), times in here.deaths().items():
            self.deaths[point] += times
        self.struck.update(siege.struck)
        self.struck[AT_POINTS] = self.deaths.total()
        for kind, seconds in siege.recoveries.items():
            self.recoveries.setdefault(kind, []).extend(seconds)
        self.wrong.extend(wrong)
        self.elected += here.elected
        self.servers = here.servers.servers.how


def report(figures: Figures, seeds: Sequence[int]) -> Iterator[str]:
    """The figures as Markdown."""
    now = datetime.now(UTC)
    yield f"Run on {now:%Y-%m-%d} with seeds {', '.join(map(str, seeds))}, in {figures.seconds / 60:.0f} minutes, on"
    yield f"{os.cpu_count()} cores ({platform.machine()}, {platform.system()}, Python {platform.python_version()});"
    yield f"{figures.servers}."
    yield ""
    yield from _table(["What came in", "How many"], _orders(figures))
    yield from _table(["Wrong at the end", ""], [("orders, books, queues, dead letters", str(len(figures.wrong)))])
    if figures.elected:
        yield f"RabbitMQ left {figures.elected} queues without a leader, for which one was elected by hand."
        yield ""
    yield from _table(
        ["Fault", "Times", "Alone", "Recovered after, p50", "max"],
        [
            (kind, str(times), str(len(alone)), *(f"{value:.1f} s" for value in (median(alone), max(alone))))
            if (alone := figures.recoveries.get(kind, []))
            else (kind, str(times), "0", "", "")
            for kind, times in sorted(figures.struck.items())
        ],
    )
    yield from _table(["Killed at", "Times"], [(point, str(figures.deaths[point])) for point in Point])
    if figures.mutants:
        yield from _table(
            ["Mechanism broken", "Found wrong", "For instance"],
            [
                (name.replace("_", " "), str(len(wrong)), (wrong or [""])[0][:90])
                for name, wrong in figures.mutants.items()
            ],
        )


def _orders(figures: Figures) -> list[tuple[str, str]]:
    kinds = {kind: times for kind, times in figures.orders.items() if kind in KINDS}
    return [("orders", f"{sum(kinds.values()):,}"), *((kind, f"{times:,}") for kind, times in figures.orders.items())]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def write(path: Path, lines: Sequence[str]) -> None:
    """Put the figures between their marks."""
    before, _, rest = path.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    path.write_text("\n".join([before + BEGIN, *lines, END + after]))
