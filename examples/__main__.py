"""Run an example: its services as processes, all of its stories at once, and an audit of the books.

`python -m examples travel_booking`. It starts private servers, and leaves nothing running.
"""

import argparse
import asyncio
import signal
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from rich.console import Console
from rich.table import Table

import examples
from examples.playing import cast, playing
from infra.local import ServersUnavailable, local_servers
from infra.local.__main__ import terminated
from infra.local.servers import Servers
from infra.local.system import administrator
from saga import SagaError
from saga.exploring import Scenario
from saga.provisioning import Deployment

RUN = Path(".run/examples")
WIDTH = 140
BY_CLOCK = "(opened by a clock)"


def names() -> list[str]:
    """The examples that there are."""
    return sorted(module.name for module in iter_modules(examples.__path__) if module.ispkg)


def scenario(name: str) -> Scenario:
    found: Scenario = import_module(f"examples.{name}").SCENARIO
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m examples", description=__doc__)
    parser.add_argument("name", choices=names())
    parser.add_argument("--times", type=int, default=3, help="how often each story is told")
    told = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)
    signal.signal(signal.SIGTERM, terminated)
    try:
        with local_servers(RUN, lambda line: console.print(line, style="dim")) as servers:
            asyncio.run(play(told.name, told.times, servers, console))
    except (ServersUnavailable, SagaError, AssertionError) as error:
        console.print(str(error), style="bold red")
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


async def play(name: str, times: int, servers: Servers, console: Console) -> None:
    """Tell every story so often, show what was heard, and hold all books against each other."""
    played = scenario(name)
    deployment = Deployment.new(cast(played), administrator(servers), servers.amqp)
    await deployment.provision()
    async with playing(name, played, deployment, servers.amqp, RUN) as here:
        sagas = [(title, await here.tell(title)) for _ in range(times) for title in here.titles]
        table = Table("story", "what was heard of it", "how it ended", box=None, header_style="bold")
        clocks = await here.opened_by_clocks({saga for _, saga in sagas})
        for title, saga in [*sorted(sagas), *((BY_CLOCK, saga) for saga in clocks)]:
            ended = await here.ended(saga)
            table.add_row(title, " ".join(t.removesuffix(".v1") for t in here.stage.types_of(saga)), ended)
        console.print(table)
        report = await here.balanced()
    for finding in report.findings:
        console.print(f"[green]✓[/] {finding.sentence}")
    console.print(f"\n{len(sagas) + len(clocks)} sagas; the books balance.", style="bold")


if __name__ == "__main__":
    sys.exit(main())
