"""`saga topology`: what should exist at the broker, and what does."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from saga.cli.endpoints import Endpoints, tiers
from saga.cli.plain import plain
from saga.provisioning import Management
from saga.service import Service
from saga.topology import Topology, derive


async def compare_topology(endpoints: Endpoints, services: Sequence[Service], console: Console) -> int:
    """Tell of both; the exit code."""
    wanted = derive(services, tiers())
    broker = Management(endpoints.administrator.management, endpoints.administrator.vhost)
    everyone = dict.fromkeys((user.name for user in wanted.users), "")
    changes = [change for change in await broker.changes(wanted, everyone) if change.action != "set password of"]
    superfluous = await broker.superfluous(wanted)
    console.print(_table(wanted, await broker.queue_counts()))
    for change in changes:
        console.print(Text.assemble(("missing  ", "red"), f"{change.kind} {change.name}"))
    for name in superfluous:
        console.print(Text.assemble(("unknown  ", "yellow"), plain(name)))
    if changes or superfluous:
        return 1
    console.print("[green]everything is as it should be[/]")
    return 0


def _table(wanted: Topology, counts: Mapping[str, int]) -> Table:
    table = Table("queue", "hears", "messages", title="What should exist")
    for queue in wanted.queues:
        heard = [b.routing_key for b in wanted.bindings if b.queue == queue.name and b.routing_key != queue.name]
        table.add_row(queue.name, "\n".join(heard), str(counts.get(queue.name, "—")))
    return table
