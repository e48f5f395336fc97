"""Rounds of an audit: look, wait until what is on its way could have arrived, look again at what differs, judge."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import chain

from saga.audit.archive import Archive, Span, open_archive
from saga.audit.broker import STALE, Broker
from saga.audit.circle import Circle, Look
from saga.audit.comparing import circles, judge
from saga.audit.draft import Draft
from saga.audit.report import Breach, Report
from saga.provisioning import Administrator, DatabaseServer, Management
from saga.service import Service

HORIZON = timedelta(days=30)
"""Older sagas aren't judged: a service may have forgotten its part. It must be shorter than the services' retention."""
PATIENCE = timedelta(seconds=60)
"""How long to wait for queues to become empty."""
PAGE = 10_000
REST = 0.5
"""Seconds between looks whether a system has come to rest."""
OVERLAP = timedelta(minutes=2)
"""A change bears the time at which its transaction began, and is seen when that ends."""

ENDED = "every saga has ended"
ARRIVED = "nothing is on its way"
PARKED = "nothing has parked"

_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


async def audit(
    services: Sequence[Service],
    administrator: Administrator,
    *,
    prefix: str = "",
    since: timedelta | None = None,
    horizon: timedelta | None = HORIZON,
    settled: bool = False,
    nothing_parked: bool = False,
    patience: timedelta = PATIENCE,
    page: int = PAGE,
) -> Report:
    """Hold all books against each other, once, and write nothing.

    It looks at the sagas that were opened within the `horizon` and have changed within `since`. The system may be
    live: what differs is looked at again when the queues have been empty, for which it has `patience`; what may still
    be on its way then is a doubt and no breach. `settled` says that the system has come to rest: then what is on its
    way, or has not ended, is a breach, too; with `nothing_parked` also dead letters, and what nobody hears. Memory is
    bounded by `page`, the number of sagas that each service is asked for at once.
    """
    async with _auditor(services, administrator, prefix, patience, page) as auditor:
        span = _span(since, horizon)
        return await (auditor.settled(span, nothing_parked=nothing_parked) if settled else auditor.live(span))


async def watch(
    services: Sequence[Service],
    administrator: Administrator,
    *,
    every: timedelta,
    prefix: str = "",
    since: timedelta | None = None,
    horizon: timedelta | None = HORIZON,
    patience: timedelta = PATIENCE,
    page: int = PAGE,
) -> AsyncIterator[Report]:
    """Audit again and again: each round looks at what has changed since the one before, and at what was odd in it."""
    async with _auditor(services, administrator, prefix, patience, page) as auditor:
        while True:
            began = datetime.now(UTC)
            yield await auditor.live(_span(since, horizon))
            await asyncio.sleep((began + every - datetime.now(UTC)).total_seconds())
            since = datetime.now(UTC) - began + OVERLAP


class Auditor:
    """Remembers from round to round what was odd."""

    def __init__(self, archives: Sequence[Archive], broker: Broker, patience: timedelta, page: int) -> None:
        by_name = {archive.service.name: archive for archive in archives}
        keeping = [archive.service for archive in archives if archive.service.laws]
        self._archives = archives
        self._circles = [Circle([by_name[service.name] for service in circle]) for circle in circles(keeping)]
        self._broker = broker
        self._patience = patience.total_seconds()
        self._page = page

    async def live(self, span: Span) -> Report:
        """What is broken, whatever moves meanwhile."""
        draft = Draft()
        looks = await self._look(draft, span)
        behind = await self._broker.caught_up(self._patience) if any(look.suspects for look in looks) else []
        for circle, first in zip(self._circles, looks, strict=True):
            again = await circle.look_again(first)
            draft.judged += (
                found
                for suspect in first.suspects.values()
                for found in judge(suspect, again.suspects.get(suspect.saga), behind)
            )
            circle.carry(first, {found.saga for found in draft.judged})
        return draft.report(await self._waiting(), await self._broker.parked())

    async def settled(self, span: Span, *, nothing_parked: bool) -> Report:
        """What is broken, now that nothing is to move. The broker's figures are old: nothing is told at first sight."""
        report = await self._at_rest(span, nothing_parked=nothing_parked)
        if report.holds or not self._patience:
            return report
        await asyncio.sleep(STALE)
        return await self._at_rest(span, nothing_parked=nothing_parked)

    async def _at_rest(self, span: Span, *, nothing_parked: bool) -> Report:
        draft = Draft()
        await self._come_to_rest()
        looks = await self._look(draft, span)
        waiting, parked = await self._waiting(), await self._broker.parked()
        suspects = chain.from_iterable(look.suspects.values() for look in looks)
        behind = [f"{count} {where}" for where, count in waiting.items()]
        draft.judged += (found for suspect in suspects for found in judge(suspect, suspect, behind))
        draft.hold(ENDED, sum(look.sagas for look in looks), _unended(looks))
        draft.hold(ARRIVED, None, [Breach(ARRIVED, what) for what in behind])
        if nothing_parked:
            draft.hold(PARKED, None, [Breach(PARKED, f"{count} in {where}") for where, count in parked.items()])
        return draft.report(waiting, parked)

    async def _look(self, draft: Draft, span: Span) -> list[Look]:
        """At everything, once."""
        looks = []
        for circle in self._circles:
            look = await circle.look(span, self._page)
            draft.add(look, circle.books)
            looks.append(look)
        for unlawful in await asyncio.gather(*(archive.breaches() for archive in self._archives)):
            for law, breaches in unlawful.items():
                draft.hold(law, None, breaches)
        return looks

    async def _come_to_rest(self) -> None:
        """Return when nothing is on its way, or patience is at an end."""
        for _ in range(round(self._patience / REST)):
            if not await self._waiting():
                break
            await asyncio.sleep(REST)

    async def _waiting(self) -> dict[str, int]:
        """Everything that is on its way, in databases and queues."""
        backlogs = await asyncio.gather(*(archive.backlog() for archive in self._archives))
        return {where: count for found in (*backlogs, await self._broker.waiting()) for where, count in found.items()}


def _unended(looks: Sequence[Look]) -> list[Breach]:
    return [
        Breach(ENDED, f"{', '.join(keepers)} can't tell yet", saga)
        for look in looks
        for saga, keepers in look.undecided.items()
    ]


def _span(since: timedelta | None, horizon: timedelta | None) -> Span:
    now = datetime.now(UTC)
    return Span(opened=now - horizon if horizon else _FIRST, changed=now - since if since else _FIRST)


@asynccontextmanager
async def _auditor(
    services: Sequence[Service], administrator: Administrator, prefix: str, patience: timedelta, page: int
) -> AsyncIterator[Auditor]:
    server = DatabaseServer(administrator.postgres)
    broker = Broker(Management(administrator.management, administrator.vhost), services)
    async with AsyncExitStack() as stack:
        archives = [
            await stack.enter_async_context(open_archive(service, server.url_of(prefix + service.name)))
            for service in services
        ]
        yield Auditor(archives, broker, patience, page)
