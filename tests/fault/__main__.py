"""`python -m tests.fault [--seed N] [--rate N] [--short] [--write FILE]`: the fault suite in its long form."""

import argparse
import asyncio
import logging
import os
import random
import sys
import tempfile
import time
from collections.abc import Coroutine
from itertools import chain
from pathlib import Path
from typing import Any

from tests.conftest import BACKEND
from tests.fault import mutation, plan
from tests.fault.figures import Figures, report, write
from tests.fault.siege import Siege
from tests.fault.world import world

SEEDS = (1, 2)
RATE = 15.0


async def besiege(seed: int, figures: Figures, rate: float, *, short: bool) -> None:
    """Every fault point, then each fault alone, then everything at once; and the judgement."""
    asyncio.get_running_loop().set_exception_handler(_but_for_lost_connections)
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="saga-chaos-") as folder:
        async with world(Path(folder), seed, rate) as here:
            siege = Siege(here)
            try:
                wrong = await _all_of_it(siege, dice, short=short)
            except (AssertionError, ExceptionGroup) as error:
                wrong = [repr(error)]
            figures.add(siege, wrong)
            if wrong:
                print(f"seed {seed}: {len(wrong)} wrong")
                print("\n".join(wrong[:30]))
                print(here.stories(wrong))


def _but_for_lost_connections(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """The client library's own tasks end with these when a broker is killed, and nobody asks them."""
    if not isinstance(context.get("exception"), OSError):
        loop.default_exception_handler(context)


async def _all_of_it(siege: Siege, dice: random.Random, *, short: bool) -> list[str]:
    await _phase("every fault point", siege.rage(*plan.at_points(times=1 if short else 10)))
    await _phase("recovery from all of these", siege.recovery("every fault point"))
    singles = list(chain(*plan.one_of_each(dice))) if short else plan.singles(dice)
    await _phase("one fault after the other", siege.strike(*singles))
    await _phase("all at once", siege.rage(*plan.spree(dice, 4 if short else 40)))
    return await siege.end()


async def breed(figures: Figures) -> None:
    """Break one mechanism at a time, and see whether the suite notices."""
    for mutant, how in mutation.BETRAYED_BY.items():
        with tempfile.TemporaryDirectory(prefix="saga-mutant-") as folder:
            figures.mutants[mutant] = await mutation.found_wrong(mutant, how, Path(folder), seed=1)
        print(f"  {mutant}: {len(figures.mutants[mutant])} wrong", flush=True)


async def _phase(name: str, doing: Coroutine[None, None, object]) -> None:
    began = time.monotonic()
    await doing
    print(f"  {name}: {time.monotonic() - began:.0f} s", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fault", description=__doc__)
    parser.add_argument("--seed", type=int, action="append", help=f"may be given often (default: {SEEDS})")
    parser.add_argument("--rate", type=float, default=RATE, help=f"orders a second (default: {RATE:.0f})")
    parser.add_argument("--short", action="store_true", help="a few of everything")
    parser.add_argument("--no-mutants", action="store_true", help="leave out the broken runtimes")
    parser.add_argument("--write", type=Path, help="put the figures into this page")
    told = parser.parse_args()
    seeds = told.seed or SEEDS
    os.environ.setdefault(BACKEND, "local")
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)  # that the broker is away is no news here
    figures, began = Figures(), time.monotonic()
    for seed in seeds:
        print(f"seed {seed}", flush=True)
        asyncio.run(besiege(seed, figures, told.rate, short=told.short))
    if not told.no_mutants:
        print("mutants", flush=True)
        asyncio.run(breed(figures))
    figures.seconds = time.monotonic() - began
    lines = list(report(figures, seeds))
    print("\n".join(lines))
    if told.write:
        write(told.write, lines)
    survivors = [name for name, wrong in figures.mutants.items() if not wrong]
    return 1 if figures.wrong or survivors else 0


if __name__ == "__main__":
    sys.exit(main())
