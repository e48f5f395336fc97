"""`python -m benchmarks`: measure, and write docs/performance.md. `look` tells a line each.

`queues` measures nothing but the broker's queues, and `page` only writes.
"""

import os
import shlex
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from benchmarks.contender import CONTENDERS, Contender
from benchmarks.forecast.recording import record as record_to
from benchmarks.measure import saturate
from benchmarks.observing import be_away, keep_up, search
from benchmarks.peers.contenders import PEERS
from benchmarks.plan import LATENCY, MEASUREMENTS, plan
from benchmarks.queues import flow
from benchmarks.results import Results, this_machine
from benchmarks.run import Settings, walk
from infra.local.__main__ import terminated
from infra.local.servers import Pair, running
from infra.local.ways import choose

JSON = Path("docs/performance/results.json")
RECORDING = Path("benchmarks/forecast/recording.jsonl")
ALL: dict[str, Contender] = {contender.name: contender for contender in (*CONTENDERS, *PEERS)}
OURS = ",".join(contender.name for contender in CONTENDERS)

app = typer.Typer(help=__doc__, add_completion=False, pretty_exceptions_enable=False)
Names = Annotated[str, typer.Option(help="names with commas between them, or 'all'")]


@app.callback(invoke_without_command=True)
def measure(
    context: typer.Context,
    *,
    only: Annotated[str, typer.Option(help="names with commas between them")] = ",".join(MEASUREMENTS),
    contenders: Names = OURS,
    rounds: int = 3,
    latency_rounds: Annotated[int | None, typer.Option(help="as many as the others, unless told")] = None,
    seconds: float = 12.0,
    latency_seconds: float = 8.0,
    warm_up: float = 5.0,
    backlog: Annotated[int, typer.Option(help="orders that wait for the services to start")] = 100_000,
    json: Path = JSON,
    add: Annotated[bool, typer.Option("--add", help="to what the file holds already")] = False,
) -> None:
    """Measure; the page is written where the results are the documentation's."""
    if context.invoked_subcommand:
        return
    measurements, names = _known(only, MEASUREMENTS), _known(contenders, ALL)
    counts = dict.fromkeys(MEASUREMENTS, rounds) | {LATENCY: latency_rounds or rounds}
    with _servers() as (pair, run):
        results = Results.read(json) if add else Results(this_machine(pair.how), seconds)
        results.commands.append(shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]]))
        steps = list(plan(measurements, names, counts, frozenset(results.contenders())))
        settings = Settings(seconds, latency_seconds, warm_up, backlog)
        try:
            uvloop.run(walk(pair, run, ALL, settings, results, steps))
        finally:  # an interrupt keeps what was measured until then
            if results.saturations or results.drains or results.kills:
                results.write(json)
    if json == JSON:
        page()
    if results.failures:
        raise SystemExit(1)


@app.command()
def look(
    contenders: Annotated[str, typer.Argument(help="names with commas between them, or 'all'")] = OURS,
    seconds: float = 10.0,
    warm_up: float = 4.0,
) -> None:
    """One line each: sagas a second at saturation, and milliseconds of the processor a saga, by process."""
    names = _known(contenders, ALL)

    async def all_of_them(pair: Pair, run: Path) -> None:
        for name in names:
            async with ALL[name].start(pair.servers, run) as contender:
                found = await saturate(pair, ALL[name], contender, seconds, warm_up)
            costs = ", ".join(f"{process} {cost:.2f}" for process, cost in found.processor.items())
            lost = "" if found.placed == found.ended else f" ({found.placed - found.ended} did not end)"
            print(f"{name:<18}{found.rate:7.0f} sagas/s{lost}; ms a saga: {costs}", flush=True)

    with _servers() as (pair, run):
        uvloop.run(all_of_them(pair, run))


@app.command()
def queues(seconds: float = 8.0) -> None:
    """Messages a second through 1, 2 and 4 quorum queues, with nothing behind them."""

    async def each(amqp: str) -> None:
        for count in (1, 2, 4):
            print(f"{count} quorum queues: {await flow(amqp, count, seconds):,.0f} messages/s", flush=True)

    with _servers() as (pair, _):
        uvloop.run(each(pair.servers.amqp))


@app.command()
def observer(
    rounds: int = 3,
    seconds: float = 6.0,
    warm_up: float = 3.0,
    rate: Annotated[float, typer.Option(help="orders a second while it is away")] = 200.0,
) -> None:
    """What the observer costs at full speed, what a minute without it does, and how fast it finds a saga."""

    async def all_of_it(pair: Pair, run: Path) -> None:
        await keep_up(pair, run, rounds, seconds, warm_up)
        await be_away(pair, run, rate)
        await search(pair, run)

    with _servers() as (pair, run):
        uvloop.run(all_of_it(pair, run))


@app.command()
def forecast(
    recording: Annotated[Path, typer.Argument()] = RECORDING,
    *,
    record: Annotated[bool, typer.Option("--record", help="record anew before: half an hour")] = False,
) -> None:
    """Whether it can be told beforehand that sagas will be stuck: detectors, judged by a recording."""
    from benchmarks.forecast.judging import judge  # it needs what only `make bench` installs

    if record:
        with _servers() as (pair, run):
            uvloop.run(record_to(pair, run, recording))
    print(judge(recording))


@app.command()
def page(json: Annotated[Path, typer.Argument()] = JSON) -> None:
    """Write docs/performance.md and its plots anew from the results."""
    from benchmarks.page import write  # it needs what only `make bench` installs

    write(Results.read(json), json.parent)
    print(f"See {json.parent}.md.")


def _known(told: str, known: "tuple[str, ...] | dict[str, Contender]") -> list[str]:
    names = list(known) if told == "all" else told.split(",")
    if unknown := set(names) - set(known):
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return names


@contextmanager
def _servers() -> Iterator[tuple[Pair, Path]]:
    signal.signal(signal.SIGTERM, terminated)
    os.environ.setdefault("SAGA_LOCAL", "binaries")  # a container's processes are out of the meter's reach
    with tempfile.TemporaryDirectory(prefix="saga-bench-") as folder, running(Path(folder), choose(print)) as pair:
        yield pair, Path(folder)


if __name__ == "__main__":
    app()
