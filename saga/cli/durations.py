"""Options that are durations."""

from datetime import timedelta
from typing import Any

import typer

from saga.settings import LONGEST, seconds


def duration(text: str) -> timedelta:
    """`5s`, `12h` or `30d`. Raises BadParameter."""
    read = seconds(text)
    if not isinstance(read, timedelta) or read > LONGEST:
        raise typer.BadParameter(f"{text!r} is no duration: say 30s, 12h or 30d, a hundred years at most")
    return read


def period(help_text: str, *names: str) -> Any:
    return typer.Option(*names, parser=duration, metavar="DURATION", help=help_text)
