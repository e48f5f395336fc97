"""`saga audit`: whether the services' books agree."""

import asyncio
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import NoReturn

from rich.console import Console
from rich.table import Table
from rich.text import Text

from saga.audit import Report, Verdict, audit, watch
from saga.audit.report import phrases
from saga.cli.endpoints import Endpoints
from saga.cli.plain import plain
from saga.errors import ProvisioningFailed, SagaError, ServerAway
from saga.service import Service

EXIT = {Verdict.HOLDS: 0, Verdict.BROKEN: 1, Verdict.UNSETTLED: 2}
"""As diff has it: 2 is trouble, be it that something is on its way for too long, or that a server doesn't answer."""
SHOWN = 100
"""Lines. `--json` tells all."""


Tell = Callable[[Report], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What to look at, how strictly, and how to tell it. `every`: again and again."""

    since: timedelta | None
    horizon: timedelta
    settled: bool
    nothing_parked: bool
    every: timedelta | None
    as_json: bool


async def run_audit(endpoints: Endpoints, services: Sequence[Service], asked: Asked, console: Console) -> int:
    """Audit and tell; the exit code."""
    try:
        if asked.every:
            tell = write if asked.as_json else News(console).tell
            await _audit_on_and_on(endpoints, services, asked, asked.every, tell)
        report = await audit(
            services,
            endpoints.administrator,
            prefix=endpoints.database_prefix,
            since=asked.since,
            horizon=asked.horizon,
            settled=asked.settled,
            nothing_parked=asked.nothing_parked,
        )
    except SagaError as error:
        sys.stderr.write(f"saga: {error}\n")
        return EXIT[Verdict.UNSETTLED]
    write(report) if asked.as_json else show(report, console)
    return EXIT[report.verdict]


async def _audit_on_and_on(
    endpoints: Endpoints, services: Sequence[Service], asked: Asked, every: timedelta, tell: Tell
) -> NoReturn:
    """Until interrupted. When a server has been away, everything is looked at again."""
    while True:
        rounds = watch(
            services,
            endpoints.administrator,
            every=every,
            prefix=endpoints.database_prefix,
            since=asked.since,
            horizon=asked.horizon,
        )
        try:
            async for report in rounds:
                tell(report)
        except (ServerAway, ProvisioningFailed) as error:
            sys.stderr.write(f"saga: {error}\n")
        await asyncio.sleep(every.total_seconds())


class News:
    """Tells each round in a line, and what is wrong when it is first seen."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told: set[str] = set()

    def tell(self, report: Report) -> None:
        self._console.print(_round(report), soft_wrap=True)
        wrong = dict(_wrong(report))
        for text in wrong.keys() - self._told:
            self._console.print(wrong[text], soft_wrap=True)
        for text in self._told - wrong.keys():
            self._console.print(plain(f"no longer: {text}", "dim"), soft_wrap=True)
        self._told = set(wrong)


def show(report: Report, console: Console) -> None:
    """The laws, then a line for each breach, then what else there is to know."""
    console.print(laws_table(report))
    wrong = [line for _, line in _wrong(report)]
    for line in wrong[:SHOWN]:
        console.print(line, soft_wrap=True)
    if len(wrong) > SHOWN:
        console.print(f"… and {len(wrong) - SHOWN:,} more; --json tells all", style="dim")
    for note in _notes(report):
        console.print(Text(note, "dim"), soft_wrap=True)
    console.print(_round(report), soft_wrap=True)


def laws_table(report: Report) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 1))
    for finding in report.findings:
        mark = (
            Text("✓", "green") if finding.holds else Text("✗", "bold red") if finding.breaches else Text("?", "yellow")
        )
        odd = {"broken": finding.breaches, "can't be judged": finding.doubts}
        figures = [f"{finding.sagas:,} sagas"] if finding.sagas is not None else []
        figures += [f"{count:,} {what}" for what, count in odd.items() if count]
        table.add_row(mark, finding.sentence, Text(", ".join(figures), "dim"))
    return table


def _wrong(report: Report) -> Iterator[tuple[str, Text]]:
    for breach in report.breaches:
        yield str(breach), Text.assemble(("✗ ", "bold red"), plain(str(breach)))
    for doubt in report.doubts:
        yield str(doubt.breach), Text.assemble(("? ", "yellow"), plain(str(doubt)))


def _notes(report: Report) -> Iterator[str]:
    on_its_way = report.unfinished
    if on_its_way.since:
        yield f"on their way: {on_its_way.sagas:,} sagas, the oldest {on_its_way.oldest} since {on_its_way.since:%c %Z}"
    for title, counts in (("waiting", report.waiting), ("parked", report.parked)):
        if counts:
            yield f"{title}: {', '.join(phrases(counts))}"
    if not report.whole:
        yield "so much differs that the rest was not looked at"


def _round(report: Report) -> Text:
    style = {Verdict.HOLDS: "green", Verdict.BROKEN: "bold red", Verdict.UNSETTLED: "yellow"}[report.verdict]
    sagas = f"{report.sagas:,} sagas in {report.seconds:.1f} s, {report.unfinished.sagas:,} of them on their way"
    return Text.assemble((f"{report.began.astimezone():%H:%M:%S} ", "dim"), (report.verdict, style), f"  {sagas}")


def write(report: Report) -> None:
    sys.stdout.write(json.dumps({"verdict": report.verdict, **asdict(report)}, default=str) + "\n")
    sys.stdout.flush()
