"""An audit, once or again and again."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta

from saga.audit.archive import Span, open_archive
from saga.audit.auditor import Auditor
from saga.audit.broker import Broker
from saga.audit.report import Report
from saga.provisioning import Administrator, DatabaseServer, Management
from saga.service import Service

HORIZON = timedelta(days=30)
"""Older sagas aren't judged: a service may have forgotten its part. It must be shorter than the services' retention."""
PATIENCE = timedelta(seconds=60)
"""How long to wait for queues to become empty."""
PAGE = 10_000
OVERLAP = timedelta(minutes=2)
"""A change bears the time at which its transaction began, and is seen when that ends."""

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
) -> AsyncGenerator[Report, None]:
    """Audit again and again: each round looks at what has changed since the one before, and at what was odd in it."""
    async with _auditor(services, administrator, prefix, patience, page) as auditor:
        while True:
            began = datetime.now(UTC)
            yield await auditor.live(_span(since, horizon))
            await asyncio.sleep((began + every - datetime.now(UTC)).total_seconds())
            since = datetime.now(UTC) - began + OVERLAP


def _span(since: timedelta | None, horizon: timedelta | None) -> Span:
    now = datetime.now(UTC)
    return Span(opened=now - horizon if horizon else _FIRST, changed=now - since if since else _FIRST)


@asynccontextmanager
async def _auditor(
    services: Sequence[Service], administrator: Administrator, prefix: str, patience: timedelta, page: int
) -> AsyncIterator[Auditor]:
    server, services = DatabaseServer(administrator.postgres), [s for s in services if s.overhears is None]
    management = Management(administrator.management, administrator.vhost)
    broker = Broker(management, services, administrator.statistics_interval)
    async with AsyncExitStack() as stack:
        archives = [
            await stack.enter_async_context(open_archive(service, server.url_of(prefix + service.name)))
            for service in services
        ]
        yield Auditor(archives, broker, patience, page)
