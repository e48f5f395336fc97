"""What processes cost: seconds of the processor, and bytes of memory, by name."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.local.servers import Pair
from saga.provisioning import DatabaseServer

POSTGRES, RABBITMQ, LOAD = "postgresql", "rabbitmq", "load"
_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Cost:
    processor: float
    memory: int


def cost(pid: int) -> Cost:
    """Of a process and of all that descend from it, with the processor's time of those that have ended."""
    processor, memory = 0.0, 0
    for each in family(pid):
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        processor += sum(map(int, fields[11:15])) / _TICK  # utime, stime, cutime, cstime
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


@dataclass(frozen=True)
class Reading:
    """What has been used since the processes began; of the load, since we began."""

    processor: Mapping[str, float]
    memory: Mapping[str, float]
    """Bytes, of the contender's own processes."""
    wal: int
    writes: int
    """Transactions that wrote something, subtransactions among them, on the whole server."""


@dataclass(frozen=True)
class Meter:
    """Reads the processes of a contender, of the two servers, and ours, which is the load."""

    pair: Pair
    pids: Mapping[str, int]

    async def read(self) -> Reading:
        wal, writes = await DatabaseServer(self.pair.postgres.url).fetch(_WRITTEN)
        own = costs(self.pids)
        servers = costs({POSTGRES: self.pair.postgres.pid(), RABBITMQ: self.pair.rabbitmq.pid()})
        processor = {name: cost.processor for name, cost in (own | servers).items()} | {LOAD: time.process_time()}
        return Reading(processor, {name: cost.memory for name, cost in own.items()}, int(wal or 0), int(writes or 0))


_WRITTEN = """
    SELECT unnest(ARRAY[
        pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::text, pg_snapshot_xmax(pg_current_snapshot())::text
    ])
"""
