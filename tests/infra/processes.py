"""What Linux knows of processes, for tests that ask whether any is left."""

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path


def eventually(holds: Callable[[], object], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def parents() -> dict[int, int]:
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            found[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    return found


def descendants(pid: int) -> set[int]:
    """Its children, their children, and so on."""
    known = parents()
    found: set[int] = set()
    while more := {child for child, parent in known.items() if parent in found | {pid}} - found:
        found |= more
    return found


def ours(program: str) -> set[int]:
    """Those of our descendants that run this program."""
    found = set()
    for pid in descendants(os.getpid()):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/comm").read_text().strip() == program:
                found.add(pid)
    return found


def alive(pids: set[int]) -> set[int]:
    """Those that still run: not those that have ended, and that a busy init hasn't yet taken note of."""
    found = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                found.add(pid)
    return found
