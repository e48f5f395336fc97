"""One round of an audit: look, wait until what is on its way could have arrived, look again at what differs, judge."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from itertools import chain

from saga.audit.archive import Archive, Span
from saga.audit.broker import Broker
from saga.audit.circle import Circle, Look, together
from saga.audit.comparing import circles, judge
from saga.audit.draft import Draft
from saga.audit.report import Breach, Counts, Report, phrases

REST = 0.5
"""Seconds between looks whether a system has come to rest."""

ENDED = "every saga has ended"
ARRIVED = "nothing is on its way"
PARKED = "nothing has parked"


class Auditor:
    """Remembers from round to round what was odd."""

    def __init__(self, archives: Sequence[Archive], broker: Broker, patience: timedelta, page: int) -> None:
        by_name = {archive.service.name: archive for archive in archives}
        keeping = circles(archive.service for archive in archives if archive.books)
        self._archives = archives
        self._circles = [Circle([by_name[service.name] for service in circle], archives) for circle in keeping]
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
        await asyncio.sleep(self._broker.stale)
        return await self._at_rest(span, nothing_parked=nothing_parked)

    async def _at_rest(self, span: Span, *, nothing_parked: bool) -> Report:
        draft = Draft()
        await self._come_to_rest()
        looks = await self._look(draft, span)
        waiting, parked = await self._waiting(), await self._broker.parked()
        suspects = chain.from_iterable(look.suspects.values() for look in looks)
        behind = phrases(waiting)
        draft.judged += (found for suspect in suspects for found in judge(suspect, suspect, behind))
        draft.hold(ENDED, sum(look.sagas for look in looks), _unended(looks))
        draft.hold(ARRIVED, None, [Breach(ARRIVED, what) for what in behind])
        if nothing_parked:
            draft.hold(PARKED, None, [Breach(PARKED, what) for what in phrases(parked)])
        return draft.report(waiting, parked)

    async def _look(self, draft: Draft, span: Span) -> list[Look]:
        """At everything, once."""
        looks = []
        for circle in self._circles:
            look = await circle.look(span, self._page)
            draft.add(look, circle.books)
            looks.append(look)
        for unlawful in await together(archive.breaches() for archive in self._archives):
            for law, breaches in unlawful.items():
                draft.hold(law, None, breaches)
        return looks

    async def _come_to_rest(self) -> None:
        """Return when nothing is on its way, or patience is at an end."""
        for _ in range(round(self._patience / REST)):
            if not await self._waiting():
                break
            await asyncio.sleep(REST)

    async def _waiting(self) -> Counts:
        """Everything that is on its way, in databases and queues."""
        backlogs = await together(archive.backlog() for archive in self._archives)
        return {where: count for found in (*backlogs, await self._broker.waiting()) for where, count in found.items()}


def _unended(looks: Sequence[Look]) -> list[Breach]:
    return [
        Breach(ENDED, f"{', '.join(keepers)} can't tell yet", saga)
        for look in looks
        for saga, keepers in look.undecided.items()
    ]
