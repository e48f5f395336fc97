"""`saga check`: whether the choreography is sound, before anything runs."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from saga.checking import Report, check, misunderstood, outgrown
from saga.messages import Kind
from saga.service import Service

PROVEN = (
    "On every path that ends in a refusal or a cancellation, each step that was done is undone, once, and no pivot has "
    "passed; after a pivot nothing is undone, and everyone who did something hears of it; everything that is said is "
    "heard, and every story has an end."
)


def run_check(
    services: Sequence[Service], repeats: int, schemas: Path | None, examples: Path | None, console: Console
) -> int:
    """Check and tell; the exit code."""
    report = check(services, repeats)
    findings = [*report.findings]
    if schemas:
        findings += outgrown(sorted({e for s in services for e in s.said}, key=lambda e: e.event_type), schemas)
    if examples:
        findings += misunderstood(services, examples)
    for finding in findings:
        console.print(Text.assemble(("✗ ", "red"), finding.problem), soft_wrap=True)
        for number, line in enumerate(finding.trace, 1):
            console.print(f"  {number:2}. {line}", highlight=False, markup=False, soft_wrap=True)
    _tell(report, services, console)
    if not findings:
        console.print(f"[green]✓ proven:[/] {PROVEN}", highlight=False)
    return int(bool(findings))


def _tell(report: Report, services: Sequence[Service], console: Console) -> None:
    looked = f"{report.states:,} states, {report.moves:,} moves, {report.seconds:.1f} s"
    console.print(f"{', '.join(report.services)}: {looked}", highlight=False, markup=False)
    if report.interventions:
        asked = ", ".join(report.interventions)
        console.print(f"Left out, since a person asks it of one service alone: {asked}", highlight=False, markup=False)
    listeners = [f"{s.name}.{step.name}" for s in services for step in s.steps.values() if step.kind is Kind.LISTENER]
    if listeners:
        told = f"These only listen, so they are neither fenced nor undone: {', '.join(listeners)}"
        console.print(told, highlight=False, markup=False)
