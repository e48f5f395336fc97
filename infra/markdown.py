"""What generated pages are made of."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from pydantic.fields import FieldInfo

from saga.broker import short

Row = Sequence[str]


def table(head: Row, rows: Iterable[Row]) -> Iterator[str]:
    for row in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


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
