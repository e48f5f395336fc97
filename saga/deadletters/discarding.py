"""Throwing letters away, for a reason and on record."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from saga.broker import Names
from saga.database import queries, transaction
from saga.deadletters.databases import Rooms
from saga.deadletters.letter import Letter
from saga.publisher import Outgoing, Publisher
from saga.retries import DISCARDED_AT, REASON, copied, now
from saga.service import Service

sql = queries(__file__)

SHOWN = 1_000
"""Records of one service that are shown: the latest."""
_SHOWN = 1_000
"""Characters of the reason that onlookers are told."""


@dataclass(frozen=True, slots=True)
class Discarded:
    """The record of a letter that was thrown away. Its headers and its body are kept with it, in `saga.discarded`."""

    service: str
    id: str
    type: str
    parked_at: datetime
    saga_id: str | None
    reason: str
    discarded_by: str
    discarded_at: datetime

    @property
    def words(self) -> str:
        """Why it was thrown away."""
        return self.reason


async def discard(
    letters: Sequence[Letter], databases: Rooms, reason: str, by: str, publisher: Publisher | None = None
) -> None:
    """Record them in the databases of their services, and then remove them; tell onlookers, if there are any."""
    by_service = sorted(letters, key=lambda letter: letter.service.name)
    for _, group in groupby(by_service, key=lambda letter: letter.service.name):
        of_service = list(group)
        rows = [
            (letter.id, letter.type, letter.parked_at, letter.saga_id, _headers(letter), letter.body)
            for letter in of_service
        ]
        async with databases.of(of_service[0].service) as pool, transaction(pool) as tx:
            await tx.execute(sql.discard, *zip(*rows, strict=True), reason, by)
        for letter in of_service:
            if publisher is not None:
                await publisher.publish([_told(letter, reason)])
            await letter.remove()


async def discarded(service: Service, databases: Rooms) -> list[Discarded]:
    """What has been thrown away, the latest first."""
    async with databases.of(service) as pool, transaction(pool) as tx:
        return [Discarded(service=service.name, **dict(row)) for row in await tx.fetch(sql.discarded, SHOWN)]


def _told(letter: Letter, reason: str) -> Outgoing:
    """To whoever has bound a queue for it; it goes nowhere else, and may be returned."""
    names = Names(letter.service.name)
    told = {DISCARDED_AT: now(), REASON: reason[:_SHOWN]}
    message = copied(letter.message, (letter.exchange, letter.type), told, letter.envelope)
    return Outgoing(message, names.retry_exchange, names.discarded)


def _headers(letter: Letter) -> str:
    return json.dumps(letter.message.headers, default=str)
