"""`saga new`: what can be said on the command line."""

from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).resolve().parents[2]
DEFAULT = "shipment.scheduled.v1"

app = typer.Typer()


@app.command("new")
def new_command(
    name: Annotated[str, typer.Argument(help="A noun, for instance loyalty or gift_card")],
    *,
    hears: Annotated[str, typer.Option(metavar="TYPE", help="The event at which it does something")] = DEFAULT,
    undone_by: Annotated[
        list[str] | None,
        typer.Option(metavar="TYPE", help="The event at which it undoes that; may be given again", show_default=False),
    ] = None,
) -> None:
    """Make a participant in this checkout: a step and its undo, a table, an endpoint, tests.

    Unless told otherwise, it is undone by what is said when the step before it is undone.
    Nothing is written unless the choreography with it is proven.
    """
    from infra.new.making import make  # what it takes is installed where somebody works on the project

    made = make(ROOT, name, hears, undone_by or (), typer.echo)
    typer.echo(
        f"\n{made.name} hears {made.hears.event_type}, "
        f"and is undone by {' or '.join(event.event_type for event in made.undone_by)}.\n"
        f"  make check\n  .venv/bin/pytest tests/component/test_{made.name}.py\n  make down up\n"
        "How to go on: docs/writing-a-participant.md"
    )
