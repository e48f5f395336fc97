"""Events as lines on a terminal: when, how long after its cause, who said what, and what a person wants to know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.text import Text

from saga.cli.plain import plain
from saga.messages import Kind
from saga.service import Service

MARKS = {Kind.COMPENSATION: ("↩", "yellow"), Kind.PIVOT: ("◆", "bold green")}
REFUSED = ("✗", "red")
"""Shapes as well as colours, for who can't tell these apart."""


@dataclass(frozen=True, slots=True)
class Moment:
    """An event of a story. `seconds` have passed since its cause; None, if that was not heard."""

    time: datetime
    type: str
    source: str
    seconds: float | None
    data: Mapping[str, Any]


class Timeline:
    """Knows by the services' declarations what undoes, what refuses, and what can't be undone."""

    def __init__(self, services: Sequence[Service]) -> None:
        self._marks: dict[str, tuple[str, str]] = {}
        for service in services:
            for step in service.steps.values():
                said = (event.event_type for event in service.said_by(step))
                self._marks.update(dict.fromkeys(said, MARKS.get(step.kind, ("●", "green"))))
            for refusing in service.refusals.values():
                self._marks.update({event.event_type: REFUSED for event in refusing.answers})

    def line(self, moment: Moment, saga_id: str = "") -> Text:
        mark, style = self._marks.get(moment.type, ("○", ""))
        after = "" if moment.seconds is None else f"+{moment.seconds * 1000:,.0f} ms"
        return Text.assemble(
            (f"{moment.time.astimezone():%H:%M:%S.%f}"[:-3], "dim"),
            plain(f"  {saga_id}" if saga_id else ""),
            (f"{after:>11}  ", "dim"),
            plain(f"{mark} {moment.type:<36}", style),
            plain(f"{moment.source:<12}"),
            plain(summary(moment.data), "dim"),
        )


def summary(data: Mapping[str, Any]) -> str:
    """Its reason, its money or its counts; never what may be personal."""
    told = {name: data[name] for name in ("reason", "amount", "currency", "detail") if data.get(name) not in {None, ""}}
    counts = {name: len(data[name]) for name in ("lines", "allocations", "parcels") if data.get(name)}
    return "  ".join(f"{key} {value}" for key, value in (told | counts).items())
