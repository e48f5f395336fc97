"""What the pages are made of."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any

from pydantic.fields import FieldInfo

from events import Message
from saga.broker import short
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


def default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    told = field.get_default(call_default_factory=True, validated_data={})
    if told is None or told == "":
        return "—"
    values = told if isinstance(told, tuple) else (told,)
    return f"`{','.join(duration(value) if isinstance(value, timedelta) else str(value) for value in values)}`"


def duration(value: timedelta) -> str:
    return short(value) if value % timedelta(days=1) else f"{value.days}d"
