"""`saga observer …`: what an operator asks of the observer's store."""

import asyncio
import sys
from typing import Annotated

import typer
from rich.console import Console

from observer_service.comparing import compare
from observer_service.handlers import observer
from observer_service.rebuilding import rebuild
from saga.choreography import Choreography
from saga.cli.durations import duration
from saga.cli.endpoints import Endpoints
from saga.deadletters import Databases
from saga.errors import CannotStart

app = typer.Typer(name="observer", no_args_is_help=True, help="Ask the observer's store, which holds every event.")
console = Console(stderr=True)


@app.command("rebuild")
def rebuild_command() -> None:
    """Tell anew how every saga stands, from the events that were kept; the observer may go on meanwhile.

    Reads SAGA_ADMIN_POSTGRES_URL.
    """

    async def command() -> int:
        async with _databases().of(observer) as pool:
            with console.status("") as status:
                return await rebuild(pool, _choreography(), lambda done: status.update(f"{done:,} sagas"))

    sys.stdout.write(f"{asyncio.run(command()):,} sagas were told anew\n")


@app.command("compare")
def compare_command(
    service: Annotated[str | None, typer.Argument(help="One of them; all, if it is left out")] = None,
    settled: Annotated[str, typer.Option(help="Only sagas that have not changed for so long")] = "1m",
) -> None:
    """Derive from the events how each service's fence has to stand, and name every saga where it doesn't.

    Only sagas that have ended are compared. Exits with 1 if there are differences. Reads SAGA_ADMIN_POSTGRES_URL.
    """
    rest = duration(settled)
    known = {other.name: other for other in observer.overheard}
    if service is not None and service not in known:
        raise CannotStart(f"there is no service {service!r} here", f"choose one of {', '.join(sorted(known))}")

    async def command() -> int:
        differences = 0
        async with _databases().of(observer) as kept:
            for name in [service] if service else sorted(known):
                async with _databases().of(known[name]) as its_own:
                    async for found in compare(_choreography(), kept, name, its_own, rest):
                        sys.stdout.write(f"{name}: {found}\n")
                        differences += 1
        return differences

    differences = asyncio.run(command())
    sys.stdout.write(f"{differences} differences\n" if differences else "no differences\n")
    raise typer.Exit(int(differences > 0))


def _choreography() -> Choreography:
    return Choreography.of(observer.overheard)


def _databases() -> Databases:
    endpoints = Endpoints.load()
    return Databases(endpoints.require("admin_postgres_url"), endpoints.database_prefix, "saga observer")
