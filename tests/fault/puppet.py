"""Run a service as it is, but for one thing: `python -m tests.fault.puppet PACKAGE [--kill-at POINT] [--mutant NAME]`.

This is the only way to have anything happen at a fault point, or to break a mechanism.
"""

import argparse
import asyncio
import os
import random
import runpy
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from events import OrderPlaced
from saga import Tx, faultpoints
from saga.faultpoints import Point
from tests.fault import mutants

CHOKES = "c-poison"
ON_THE_WIRE = 0.004
"""Seconds. So long, at most, after a window has begun to go out, the process dies."""


def killer(at: Point, after: int, diary: Path, package: str) -> Callable[[Point], None]:
    """What ends the process the way `kill -9` does, when a point has been reached so many times."""
    passing = count(1)
    service = package.rpartition(".")[2].removesuffix("_service")

    def die() -> None:
        with diary.open("a") as lines:
            lines.write(f"{service}@{at}\n")
        os.kill(os.getpid(), signal.SIGKILL)

    def reach(point: Point) -> None:
        if point is at and next(passing) == after:
            if point is Point.PUBLISHING:
                asyncio.get_running_loop().call_later(random.uniform(0, ON_THE_WIRE), die)
            else:
                die()

    return reach


def choke() -> None:
    """A bug in a handler that takes whole batches: one order spoils them all."""
    from inventory_service.handlers import inventory

    step = inventory.steps["reserve_stock"]

    async def reserve_stock(orders: Sequence[OrderPlaced], tx: Tx) -> Any:
        if any(order.customer_id == CHOKES for order in orders):
            raise ValueError(CHOKES)
        return await step.handler(orders, tx)

    inventory.steps["reserve_stock"] = replace(step, handler=reserve_stock)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fault.puppet")
    parser.add_argument("package")
    parser.add_argument("--kill-at", type=Point)
    parser.add_argument("--after", type=int, default=1)
    parser.add_argument("--diary", type=Path)
    parser.add_argument("--mutant", choices=mutants.MUTANTS)
    parser.add_argument("--choke", action="store_true", help=f"raise at every order of customer {CHOKES!r}")
    told = parser.parse_args()
    if told.kill_at:
        reach = killer(told.kill_at, told.after, told.diary, told.package)
        setattr(faultpoints, "reach", reach)  # noqa: B010 — it isn't meant to be assigned
    if told.mutant:
        mutants.MUTANTS[told.mutant]()
    if told.choke and told.package == "inventory_service":
        choke()
    sys.argv = [told.package]
    runpy.run_module(told.package, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
