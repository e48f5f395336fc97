"""What a person sees of the demonstration."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from events import Event
from infra.demo.books import Finding
from infra.demo.stories import Story

_WORDS = {
    "stock.reserved.v1": ("reserved", "green"),
    "stock.rejected.v1": ("no-stock", "red"),
    "payment.captured.v1": ("captured", "green"),
    "payment.declined.v1": ("declined", "red"),
    "shipment.scheduled.v1": ("scheduled", "green"),
    "shipment.rejected.v1": ("not-served", "red"),
    "shipment.dispatched.v1": ("dispatched", "bold green"),
    "stock.deducted.v1": ("deducted", "bold green"),
    "order.cancelled.v1": ("cancel!", "magenta"),
    "shipment.cancellation_refused.v1": ("too-late", "bold green"),
    "shipment.cancelled.v1": ("unscheduled", "yellow"),
    "payment.refunded.v1": ("refunded", "yellow"),
    "stock.released.v1": ("released", "yellow"),
}
"""One word and its colour for each event: green goes forward, red refuses, yellow undoes."""


def story_table(stories: Sequence[Story]) -> Table:
    """A row for each order: what it is, and its events in the order in which they were heard."""
    table = Table(box=None, header_style="dim", padding=(0, 1, 0, 0))
    table.add_column("order", no_wrap=True, min_width=24)
    table.add_column("through", no_wrap=True, min_width=11)
    table.add_column("steps and compensations", no_wrap=True, ratio=1)
    table.add_column("status", no_wrap=True, min_width=33)
    for story in stories:
        table.add_row(story.title, Text(story.door, "dim"), _told(story.heard), _status(story))
    return table


def findings_table(findings: Sequence[Finding]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 1))
    for finding in findings:
        table.add_row(
            Text("✓", "green") if finding.holds else Text("✗", "bold red"), finding.law, Text(finding.figures, "dim")
        )
    return table


def _told(heard: Sequence[Event]) -> Text:
    told = Text()
    for event in heard:
        if word := _WORDS.get(event.event_type):
            told.append(" " if told else "")
            told.append(*word)
    return told


def _status(story: Story) -> Text:
    if not story.ended:
        return Text("…", "dim")
    status, reason = str(story.ended["status"]), story.ended["reason"]
    right = (status, reason) == (story.status, story.reason)
    return Text.assemble((status, "bold" if right else "bold red"), (f"  {reason}" if reason else "", "dim"))
