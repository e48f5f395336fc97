"""`saga retell`: what was said, once more."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import typer

from saga import retelling
from saga.cli.endpoints import Endpoints
from saga.deadletters import Databases
from saga.errors import CannotStart
from saga.retelling import Span
from saga.service import Service
from saga.settings import seconds


def moment(text: str) -> datetime:
    """So long ago, or a time by ISO 8601: without a zone it is the local one. Raises BadParameter."""
    read = seconds(text)
    try:
        return datetime.now(UTC) - read if isinstance(read, timedelta) else datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{text!r} is no time: say 90m, 2d or 2026-11-22T14:30") from None


async def retell(endpoints: Endpoints, services: Sequence[Service], span: Span, *, dry_run: bool) -> None:
    """Tell how much there is to be said again, and then have it said."""
    databases = Databases(endpoints.require("admin_postgres_url"), endpoints.database_prefix, application="saga retell")
    found = 0
    for service in services:
        counts = await retelling.count(service, databases, span)
        found += sum(counts.values())
        for event_type, events in counts.items():
            _tell(f"{service.name:<12}{event_type:<36}{events:>12,}")
    if not found or dry_run:
        _tell(f"{found:,} events would be said again" if found else f"nothing was said since {span.since:%c %Z}")
        return
    said = await retelling.retell(services, databases, span, _tell)
    _tell(f"{said:,} events go out again, as their services run")


def speaking(services: Sequence[Service]) -> list[Service]:
    """Those that say anything: who overhears has nothing to say again."""
    return [service for service in services if service.overhears is None]


def named(services: Sequence[Service], names: Sequence[str]) -> list[Service]:
    """The services of these names, or all of them if none is named. Raises CannotStart."""
    known = {service.name: service for service in services}
    if unknown := set(names) - known.keys():
        raise CannotStart(f"there is no service {min(unknown)!r} here", f"choose of {', '.join(sorted(known))}")
    return [known[name] for name in names] if names else list(services)


def _tell(told: str) -> None:
    sys.stdout.write(told + "\n")
    sys.stdout.flush()
