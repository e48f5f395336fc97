"""What processes cost: seconds of the processor, and bytes of memory, by name."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Cost:
    processor: float
    memory: int


def cost(pid: int) -> Cost:
    """Of a process and of all that descend from it."""
    processor, memory = 0.0, 0
    for each in family(pid):
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        processor += (int(fields[11]) + int(fields[12])) / _TICK
        memory += int(fields[21]) * _PAGE
    return Cost(processor, memory)


def costs(pids: Mapping[str, int]) -> dict[str, Cost]:
    return {name: cost(pid) for name, pid in pids.items()}


def family(pid: int) -> list[int]:
    family = [pid]
    for each in family:
        try:
            family += map(int, Path(f"/proc/{each}/task/{each}/children").read_text().split())
        except OSError:
            continue
    return family
