"""`saga drain`: does this version understand what is still on its way?"""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from saga.cli.endpoints import Endpoints
from saga.cli.plain import plain
from saga.draining import Report, drain
from saga.service import Service


async def run_drain(endpoints: Endpoints, services: Sequence[Service], console: Console) -> int:
    """Look and tell; the exit code."""
    report = await drain(
        services,
        endpoints.administrator,
        endpoints.require("admin_amqp_url"),
        prefix=endpoints.database_prefix,
    )
    console.print(_table(report))
    for one in report.misunderstood:
        console.print(Text.assemble(("✗ ", "red"), plain(str(one))), soft_wrap=True)
    if report.unseen:
        console.print(f"[yellow]{report.unseen:,} were too many to look at[/]", highlight=False)
    if report.is_understood:
        console.print("[green]✓ this version understands all that is on its way[/]")
    return int(not report.is_understood)


def _table(report: Report) -> Table:
    table = Table("on its way in", "how many", "not understood", box=None, header_style="bold")
    for place in report.places:
        if place.waiting:
            wrong = len({one.id for one in report.misunderstood if one.place == place.name})
            table.add_row(place.name, f"{place.waiting:,}", f"[red]{wrong:,}[/]" if wrong else "—")
    return table
