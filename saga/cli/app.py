"""The commands of `saga`."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from saga.audit import HORIZON
from saga.checking import REPEATS, sequences
from saga.cli.audit import Asked, run_audit
from saga.cli.check import run_check
from saga.cli.dead import dead
from saga.cli.drain import run_drain
from saga.cli.durations import duration, period
from saga.cli.endpoints import Endpoints, passwords, tiers
from saga.cli.publish import publish
from saga.cli.retell import moment, named, retell, speaking
from saga.cli.story import story
from saga.cli.topology import compare_topology
from saga.cli.watch import watch
from saga.errors import SagaError
from saga.installed import installed
from saga.provisioning import plan
from saga.retelling import Span
from saga.tokens import mint_token
from saga.topology import PUBLISHER

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(dead, name="dead")
console = Console()


def main() -> None:
    """Run the command line, with what other packages add to it. What goes wrong is told in one line."""
    for entry in entry_points(group="saga.commands"):
        is_asked_for = sys.argv[1:2] in ([], ["--help"], [entry.name])  # to load one takes as long as all the others
        if is_asked_for and find_spec(entry.module.partition(".")[0]):  # the image of the services has nothing else
            app.add_typer(entry.load())
    try:
        app()
    except SagaError as error:
        sys.exit(f"saga: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _run(command: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(command())


@app.command("provision")
def provision_command(
    *, dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done.")] = False
) -> None:
    """Make databases, roles, migrations, users, permissions and topology, or what is missing of them.

    Reads SAGA_ADMIN_MANAGEMENT_URL, SAGA_ADMIN_POSTGRES_URL, SAGA_ADMIN_AMQP_URL (for its vhost), and one
    SAGA_PASSWORD_<SERVICE> for each service and for PUBLISHER.
    """

    async def command() -> None:
        endpoints = Endpoints.load()
        known = installed()
        secrets = passwords([service.name for service in known] + [PUBLISHER])
        for change in await plan(known, endpoints.administrator, secrets, tiers()):
            console.print(f"{'would ' if dry_run else ''}{change}", highlight=False, markup=False, soft_wrap=True)
            if not dry_run:
                await change.apply()

    _run(command)


@app.command("publish")
def publish_command(
    event_type: Annotated[str, typer.Argument(help="For instance order.placed.v1")],
    file: Annotated[typer.FileBinaryRead, typer.Argument(help="Its data as JSON, or a whole CloudEvent; - for stdin")],
) -> None:
    """Validate an event, publish it, and wait for the broker's confirm."""
    _run(lambda: publish(Endpoints.load(), installed(), event_type, file.read(), console))


@app.command("watch")
def watch_command(
    order_id: Annotated[str | None, typer.Argument(help="Only the events of this saga")] = None,
) -> None:
    """Show events as they happen, until Ctrl-C."""
    _run(lambda: watch(Endpoints.load(), installed(), order_id, console))


@app.command("story")
def story_command(order_id: Annotated[str, typer.Argument(help="The saga")]) -> None:
    """Tell what has happened to a saga so far, causes first, and what it waits for. The observer knows it.

    Reads SAGA_OBSERVER_URL, and SAGA_TOKEN or SAGA_API_SECRET.
    """
    if not order_id.strip():
        raise typer.BadParameter("say which saga")
    _run(lambda: story(Endpoints.load(), installed(), order_id, console))


@app.command("topology")
def topology_command() -> None:
    """Compare what exists at the broker with what should. Exits with 1 if they differ."""

    async def command() -> None:
        raise typer.Exit(await compare_topology(Endpoints.load(), installed(), console))

    _run(command)


@app.command("check")
def check_command(
    *,
    repeats: Annotated[
        int, typer.Option(min=1, help="How often a fact comes from outside, under another id")
    ] = REPEATS,
    schemas: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Published schemas that the events must still fit")
    ] = None,
    examples: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Events by example, for all who hear them")
    ] = None,
) -> None:
    """Prove the choreography from the handlers' declarations, or tell the shortest story in which it fails.

    No server is needed. Exits with 1 if anything is wrong.
    """
    raise typer.Exit(run_check(installed(), repeats, schemas, examples, console))


@app.command("drain")
def drain_command() -> None:
    """Before a rollout: does this version understand what is on its way in outboxes, open calls and queues?

    Nothing is taken or changed. Exits with 1 if anything isn't understood. Reads SAGA_ADMIN_AMQP_URL,
    SAGA_ADMIN_MANAGEMENT_URL and SAGA_ADMIN_POSTGRES_URL.
    """

    async def command() -> None:
        raise typer.Exit(await run_drain(Endpoints.load(), installed(), console))

    _run(command)


@app.command("stories")
def stories_command() -> None:
    """Every way in which a saga may end, as a page of sequence diagrams (Markdown with Mermaid).

    No server is needed.
    """
    console.print(sequences.page(installed()), markup=False, highlight=False, soft_wrap=True, end="")


@app.command("explore")
def explore_command(
    scenario: Annotated[str, typer.Argument(metavar="MODULE:NAME", help="A saga.exploring.Scenario")],
    *,
    faults: Annotated[int, typer.Option(min=0, help="At most so many in a schedule of one saga")] = 1,
    schedules: Annotated[int, typer.Option(min=1, help="At most so many of each story")] = 500,
    seed: Annotated[int, typer.Option(help="Of the first schedule at random")] = 1,
    chances: Annotated[int, typer.Option(min=0, help="So many schedules at random")] = 100,
    again: Annotated[str | None, typer.Option(help="Only this schedule, as it was told before")] = None,
) -> None:
    """Run real handlers and SQL on a real PostgreSQL, with messages, faults and crossings as a scheduler has them.

    On databases of its own, which it drops. Exits with 1 at the first schedule that goes wrong. Reads
    SAGA_ADMIN_POSTGRES_URL.
    """
    from saga.cli.explore import explore, explore_again, scenario_at  # handlers, and what they import
    from saga.exploring import sandbox, schedule_of

    async def command() -> None:
        postgres = Endpoints.load().require("admin_postgres_url")
        found = scenario_at(scenario)
        schedule = None if again is None else schedule_of(found, again)
        async with sandbox(found, postgres) as box:
            if schedule:
                raise typer.Exit(await explore_again(found, box, schedule, console))
            raise typer.Exit(
                await explore(
                    found, box, faults=faults, schedules=schedules, seed=seed, chances=chances, console=console
                )
            )

    _run(command)


@app.command("audit")
def audit_command(
    *,
    since: Annotated[timedelta | None, period("Only sagas that have changed within this time")] = None,
    horizon: Annotated[timedelta | None, period("Only sagas no older than this, instead of 30d")] = None,
    settled: Annotated[bool, typer.Option("--settled", help="Nothing may be on its way any more.")] = False,
    nothing_parked: Annotated[bool, typer.Option("--nothing-parked", help="Nor be parked, with --settled.")] = False,
    every: Annotated[timedelta | None, period("Go on until Ctrl-C, a round each time", "--watch")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Tell it as JSON, in one line for each round.")] = False,
) -> None:
    """Hold all services' books against each other, and name each saga that breaks a law. Nothing is written.

    The system may be live. Exits with 0 if all laws hold, 1 if one is broken, and 2 if that can't be told now.
    Reads SAGA_ADMIN_POSTGRES_URL, SAGA_ADMIN_MANAGEMENT_URL, SAGA_ADMIN_AMQP_URL (for its vhost), and
    SAGA_ADMIN_STATISTICS_INTERVAL, where the broker doesn't count its messages every five seconds.
    """
    if every and settled:
        raise typer.BadParameter("what is watched is live, and never settled")
    if nothing_parked and not settled:
        raise typer.BadParameter("--nothing-parked goes with --settled")
    asked = Asked(
        since, horizon or HORIZON, settled=settled, nothing_parked=nothing_parked, every=every, as_json=as_json
    )

    async def command() -> None:
        raise typer.Exit(await run_audit(Endpoints.load(), installed(), asked, console))

    _run(command)


@app.command("retell")
def retell_command(
    *,
    since: Annotated[datetime, typer.Option(parser=moment, metavar="DURATION|TIME", help="What was said from then on")],
    service: Annotated[list[str] | None, typer.Option(help="Only by this service; may be given again")] = None,
    event_type: Annotated[str | None, typer.Option("--type", help="Only events of this type")] = None,
    saga: Annotated[str | None, typer.Option(help="Only events of this saga")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell how much there is.")] = False,
) -> None:
    """Have services say again what they have said: after a restore from a backup, or the loss of a broker.

    Events keep their ids: who has handled one skips it. The services say it as they run. Reads SAGA_ADMIN_POSTGRES_URL.
    """
    span = Span(since, event_type=event_type, saga_id=saga)
    _run(lambda: retell(Endpoints.load(), named(speaking(installed()), service or ()), span, dry_run=dry_run))


@app.command("token")
def token_command(
    subject: Annotated[str, typer.Option("--for", help="Whose token it is")] = "operator",
    valid: Annotated[str, typer.Option(help="For how long: 12h, 30d")] = "12h",
    secret_file: Annotated[Path | None, typer.Option(help="Instead of SAGA_API_SECRET")] = None,
) -> None:
    """Mint a bearer token for the APIs of all services that share SAGA_API_SECRET."""
    validity = duration(valid)
    secret = Endpoints.load().signing_key(secret_file)
    sys.stdout.write(mint_token(secret, subject, validity) + "\n")
