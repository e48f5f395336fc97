"""`saga dead`: letters that nobody could handle, and what an operator does about them."""

import asyncio
import getpass
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Annotated, Any

import typer
from rich.console import Console

from saga import deadletters
from saga.cli import letters as shown
from saga.cli.durations import period
from saga.cli.endpoints import Endpoints
from saga.deadletters import Databases, Letter, Selection, held, in_causal_order
from saga.errors import CannotStart
from saga.installed import installed
from saga.publisher import Publisher
from saga.service import Service

dead = typer.Typer(no_args_is_help=True, help="Look at dead letters without taking them, and settle them.")
console = Console()

Ids = Annotated[list[str] | None, typer.Argument(help="Ids of letters", show_default=False)]
Id = Annotated[str, typer.Argument(help="Id of a letter")]
Of = Annotated[str | None, typer.Option("--service", help="Only of this service")]
Type = Annotated[str | None, typer.Option("--type", help="Only events of this type")]
Words = Annotated[str, typer.Option("--parked-for", help="Only with these words in why it parked")]
WordsToo = Annotated[str, typer.Option("--reason", "--parked-for", help="Only with these words in why it parked")]
Older = Annotated[timedelta | None, period("Only if parked longer ago than this", "--older")]
Newer = Annotated[timedelta | None, period("Only if parked no longer ago than this", "--newer")]
All = Annotated[bool, typer.Option("--all", help="All of them, or all that the other options leave")]


@dead.command("list")
def list_command(
    *,
    service: Of = None,
    event_type: Type = None,
    words: WordsToo = "",
    older: Older = None,
    newer: Newer = None,
    discarded: Annotated[bool, typer.Option("--discarded", help="What has been discarded, by whom and why")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON")] = False,
) -> None:
    """List dead letters, the longest parked first. They stay where they are.

    Reads SAGA_ADMIN_AMQP_URL, or with --discarded SAGA_ADMIN_POSTGRES_URL.
    """
    selection = Selection((), event_type, words, older, newer)

    async def command() -> None:
        if discarded:
            known = [await deadletters.discarded(one, _databases()) for one in _services(service)]
            records = selection.of(record for of_service in known for record in of_service)
            _tell(shown.as_json(records) if as_json else shown.records(records) if records else "nothing is discarded")
        else:
            letters = await _chosen(service, selection)
            _tell(shown.as_json(letters) if as_json else shown.listed(letters) if letters else "no dead letters")

    _run(command)


@dead.command("show")
def show_command(identity: Id, *, service: Of = None) -> None:
    """Show all of a letter: why it parked, its headers, its body, and what its service could do with it."""

    async def command() -> None:
        for letter in await _chosen(service, Selection([identity])):
            shown.show(letter, console)

    _run(command)


@dead.command("replay")
def replay_command(
    ids: Ids = None,
    *,
    everything: All = False,
    service: Of = None,
    event_type: Type = None,
    words: WordsToo = "",
    older: Older = None,
    newer: Newer = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would happen to each by itself")] = False,
) -> None:
    """Give letters back to the services that failed, under their old ids: order by order, causes before effects.

    With --dry-run each is handled in a transaction that is never committed, and stays where it is.
    Reads SAGA_ADMIN_AMQP_URL, and with --dry-run SAGA_ADMIN_POSTGRES_URL.
    """
    selection = _selection(ids, event_type, words, older, newer, everything=everything)

    async def command() -> None:
        if dry_run:
            for letter in in_causal_order(await _chosen(service, selection)):
                shown.rehearsed(await deadletters.rehearse(letter, _databases()), console)
            return
        publisher = Publisher(_broker(), "saga dead replay")
        try:
            async with held(_broker(), _services(service)) as letters:
                chosen = in_causal_order(selection.of(letters))
                await deadletters.replay(chosen, publisher)
        finally:
            await publisher.close()
        _count("replayed", chosen)

    _run(command)


@dead.command("discard")
def discard_command(
    ids: Ids = None,
    *,
    reason: Annotated[str, typer.Option(help="Why nobody will ever handle them; it is recorded")],
    by: Annotated[str, typer.Option(help="Who says so", default_factory=getpass.getuser, show_default="you")],
    everything: All = False,
    service: Of = None,
    event_type: Type = None,
    words: Words = "",
    older: Older = None,
    newer: Newer = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask before discarding with --all")] = False,
) -> None:
    """Throw letters away for good, and record them and the reason with their services.

    Reads SAGA_ADMIN_AMQP_URL and SAGA_ADMIN_POSTGRES_URL.
    """
    selection = _selection(ids, event_type, words, older, newer, everything=everything)
    if not reason.strip():
        raise typer.BadParameter("say why", param_hint="--reason")

    async def command() -> None:
        meant = await _chosen(service, selection)
        if everything and not yes and meant:
            _tell(shown.listed(meant))
            typer.confirm(f"Discard these {len(meant)}?", abort=True)
        names = {(letter.service.name, letter.id, letter.parked_at) for letter in meant}
        publisher = Publisher(_broker(), "saga dead discard")
        try:
            async with held(_broker(), _services(service)) as letters:
                chosen = [letter for letter in letters if (letter.service.name, letter.id, letter.parked_at) in names]
                await deadletters.discard(chosen, _databases(), reason, by, publisher)
        finally:
            await publisher.close()
        _count("discarded", chosen)

    _run(command)


@dead.command("refuse")
def refuse_command(
    identity: Id,
    *,
    service: Of = None,
    reason: Annotated[str, typer.Option(help="What its refusal says, for programs")] = deadletters.REFUSED,
    detail: Annotated[str, typer.Option(help="What it says for people")] = "",
) -> None:
    """Answer a letter with the refusal of its step, so that its order is undone and waits no longer.

    Reads SAGA_ADMIN_AMQP_URL and SAGA_ADMIN_POSTGRES_URL.
    """

    async def command() -> None:
        async with held(_broker(), _services(service)) as letters:
            chosen = Selection([identity]).of(letters)
            if len(names := {letter.service.name for letter in chosen}) > 1:
                problem = f"{identity} is a dead letter of {' and '.join(sorted(names))}"
                raise CannotStart(problem, "choose one with --service")
            said = await deadletters.refuse(chosen[0], _databases(), reason, detail)
        types = " and ".join(envelope.type for envelope in said)
        _tell(f"{chosen[0].service.name} says {types} of {chosen[0].saga_id}, as soon as it runs")

    _run(command)


def _run(command: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(command())


def _selection(
    ids: list[str] | None,
    event_type: str | None,
    words: str,
    older: timedelta | None,
    newer: timedelta | None,
    *,
    everything: bool,
) -> Selection:
    if bool(ids) is everything:
        raise typer.BadParameter("name letters, or say --all")
    return Selection(ids or (), event_type, words, older, newer)


async def _chosen(service: str | None, selection: Selection) -> list[Letter]:
    """Copies of the letters, which are where they were when this returns."""
    async with held(_broker(), _services(service)) as letters:
        return selection.of(letters)


def _services(name: str | None) -> list[Service]:
    known = installed()
    chosen = [service for service in known if name in {None, service.name}]
    if not chosen:
        names = ", ".join(sorted(service.name for service in known))
        raise CannotStart(f"there is no service {name!r} here", f"choose one of {names}")
    return chosen


def _broker() -> str:
    return Endpoints.load().require("admin_amqp_url")


def _databases() -> Databases:
    endpoints = Endpoints.load()
    return Databases(endpoints.require("admin_postgres_url"), endpoints.database_prefix)


def _count(done: str, letters: Sequence[Letter]) -> None:
    by_service = Counter(letter.service.name for letter in letters)
    _tell(f"{done} {len(letters)}" + "".join(f", {name} {count}" for name, count in sorted(by_service.items())))


def _tell(told: Any) -> None:
    if isinstance(told, str):
        sys.stdout.write(told + "\n")
    else:
        console.print(told)
