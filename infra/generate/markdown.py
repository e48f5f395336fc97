"""What the pages are made of."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from events import Message
from saga.declarations import Step
from saga.messages import wire_name

Row = Sequence[str]


def table(head: Row, rows: Iterable[Row]) -> Iterator[str]:
    for row in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def names(messages: Iterable[type[Message]]) -> str:
    return ", ".join(f"`{wire_name(message)}`" for message in messages) or "—"


def heard(step: Step) -> str:
    """Whatever it hears; or all that it joins."""
    places = [" or ".join(f"`{wire_name(message)}`" for message in place) for place in step.joins]
    return ", and ".join(places) or names(step.hears)


def summary(documented: Any) -> str:
    """The first paragraph of its docstring; its name in words, where it has none."""
    told = (documented.__doc__ or f"{documented.__name__.replace('_', ' ').capitalize()}.").strip()
    return " ".join(told.partition("\n\n")[0].split())
