"""`saga watch`: events as they happen."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from events import Envelope, Event
from saga.cli.endpoints import Endpoints
from saga.listening import listening
from saga.messages import Kind
from saga.service import Service


async def watch(endpoints: Endpoints, services: Sequence[Service], saga_id: str | None, console: Console) -> None:
    """Print a line for every event, or for those of one saga, until interrupted or the broker goes."""
    styles = _styles(services)
    async with listening(endpoints.require("admin_amqp_url"), services) as events:
        console.print("watching; Ctrl-C ends it", style="dim")
        async for envelope in events:
            if saga_id in {None, envelope.saga_id}:
                console.print(line(envelope, styles), soft_wrap=True)


def line(envelope: Envelope[Event], styles: dict[str, str]) -> Text:
    """When, which saga, what, and what a person wants to know of it."""
    return Text.assemble(
        (f"{envelope.time.astimezone():%H:%M:%S.%f}"[:-3], "dim"),
        f"  {envelope.saga_id}  ",
        (f"{envelope.type:<36}", styles.get(envelope.type, "")),
        (summary(envelope.data), "dim"),
    )


def summary(event: Event) -> str:
    """Its reason or its counts; never what may be personal."""
    told = event.model_dump(include={"reason", "amount", "currency", "detail"}, exclude_defaults=True, mode="json")
    counts = {name: len(value) for name in ("lines", "allocations", "parcels") if (value := getattr(event, name, None))}
    return "  ".join(f"{key} {value}" for key, value in (told | counts).items())


def _styles(services: Sequence[Service]) -> dict[str, str]:
    """Compensations in yellow, what can't be undone in bold."""
    styles = {}
    for service in services:
        for step in service.steps.values():
            style = {Kind.COMPENSATION: "yellow", Kind.PIVOT: "bold green"}.get(step.kind, "green")
            styles.update(dict.fromkeys((event.event_type for event in service.said_by(step)), style))
    return styles
