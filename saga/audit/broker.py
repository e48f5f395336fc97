"""What the broker tells of messages on their way."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

from saga.audit.report import Counts
from saga.broker import UNROUTED, Names
from saga.provisioning import Management
from saga.service import Service


class Broker:
    """`services` are those whose queues matter: who has no books and says nothing changes nobody's.

    The broker counts its messages at an interval, and what it tells changes at another one as long: its figures are
    `stale` seconds old, at most.
    """

    def __init__(self, management: Management, services: Sequence[Service], interval: timedelta) -> None:
        self.stale = 2.2 * interval.total_seconds()
        self._management = management
        self._services = [service for service in services if service.laws or service.said]
        self._all = services

    async def caught_up(self, patience: float) -> list[str]:
        """Return when every service has had nothing to hear, at some moment since now; or else who had, after so long.

        Its queue and its retry tiers must be empty in two answers in a row, and the broker's figures are old: a
        message that fails goes from one to the other and back, and hides where it isn't looked for just then.
        """
        behind = {service.name: 2 for service in self._services}
        why: dict[str, str | None] = {}
        for _ in range(max(2, round(patience / self.stale))):
            await asyncio.sleep(self.stale)
            counts = await self._management.messages()
            why = {name: _behind(name, counts) for name in behind}
            behind = {name: 2 if why[name] else times - 1 for name, times in behind.items() if why[name] or times > 1}
            if not behind:
                break
        return [why[name] or f"{name} has only just become empty" for name in behind]

    async def waiting(self) -> Counts:
        """Messages that somebody has still to handle, by queue."""
        counts = await self._management.messages()
        names = [Names(service.name) for service in self._all]
        queues = (queue for name in names for queue in _queues(name, counts).items())
        return {f"messages in {queue}": count for queue, count in queues if count != 0}

    async def parked(self) -> Counts:
        """Messages that nobody will handle unless a person sees to it: dead letters, and what nobody hears."""
        counts = await self._management.messages()
        queues = (*(Names(service.name).dead for service in self._all), UNROUTED)
        return {f"messages in {queue}": count for queue in queues if (count := counts.get(queue)) != 0}


def _behind(service: str, counts: Mapping[str, int | None]) -> str | None:
    """Why it isn't known that the service has nothing to hear."""
    queues = _queues(Names(service), counts)
    if unknown := [queue for queue, count in queues.items() if count is None]:
        return f"the broker can't tell what is in {unknown[0]}"
    return next((f"{queue} is not empty" for queue, count in queues.items() if count), None)


def _queues(names: Names, counts: Mapping[str, int | None]) -> dict[str, int | None]:
    """The service's queue and its retry tiers."""
    tiers = [queue for queue in counts if queue.startswith(f"{names.retry_exchange}.")]
    return {queue: counts.get(queue) for queue in (names.queue, *tiers)}
