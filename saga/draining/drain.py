"""A look at outboxes, open calls and queues."""

from collections.abc import Iterable, Sequence

from aio_pika.abc import AbstractConnection
from asyncpg import Record

from saga.broker import Names, connect, translated
from saga.database import queries, transaction
from saga.deadletters.databases import Databases
from saga.deadletters.letter import Letter
from saga.deadletters.reading import read
from saga.draining.report import Misunderstood, Place, Report
from saga.draining.understanding import Understanding
from saga.provisioning import Administrator, Management
from saga.service import Service

sql = queries(__file__)

MOST = 10_000
"""What is looked at in one place: the oldest."""


async def drain(
    services: Sequence[Service], administrator: Administrator, amqp_url: str, *, prefix: str = "", most: int = MOST
) -> Report:
    """What is on its way, and what of it these services would not understand. `amqp_url` is an administrator's.

    Rows are read. Messages are held for a moment, all of a queue together, and then are where they were; the broker
    counts that as a delivery. Raises BrokerAway, DatabaseAway and CannotStart.
    """
    taking_part = [service for service in services if service.steps]
    looking = _Looking(Understanding(taking_part))
    databases = Databases(administrator.postgres, prefix, "saga drain")
    for service in taking_part:
        async with databases.of(service) as pool, transaction(pool) as tx:
            looking.at_outbox(service, await tx.fetch(sql.said, most))
            looking.at_calls(service, await tx.fetch(sql.called, most))
    counts = await Management(administrator.management, administrator.vhost).messages()
    async with await connect(amqp_url, "saga drain") as connection, translated():
        for service in taking_part:
            names = Names(service.name)
            tiers = sorted(queue for queue in counts if queue.startswith(f"{names.retry_exchange}."))
            for queue in (names.queue, *tiers, names.dead):
                waiting, letters = await _held(connection, service, queue, most)
                looking.at_queue(queue, waiting, letters)
    return Report(looking.places, looking.misunderstood)


async def _held(connection: AbstractConnection, service: Service, name: str, most: int) -> tuple[int, list[Letter]]:
    """How many messages wait in a queue, and these, unacknowledged: they go back when the channel ends."""
    async with await connection.channel() as channel:
        queue = await channel.declare_queue(name, passive=True)
        waiting = queue.declaration_result.message_count or 0
        letters: list[Letter] = []
        while len(letters) < most and (message := await queue.get(fail=False)) is not None:
            letters.append(read(service, message, is_parked=name == Names(service.name).dead))
        return max(waiting, len(letters)), letters


class _Looking:
    """What has been found so far."""

    def __init__(self, understanding: Understanding) -> None:
        self._understanding = understanding
        self.places: list[Place] = []
        self.misunderstood: list[Misunderstood] = []

    def at_outbox(self, service: Service, rows: Sequence[Record]) -> None:
        place = self._place(f"the outbox of {service.name}", rows)
        for row in rows:
            whys = self._understanding.of_event(row["routing_key"], bytes(row["body"]))
            self._add(place, row["id"], row["routing_key"], row["saga_id"], whys)

    def at_calls(self, service: Service, rows: Sequence[Record]) -> None:
        place = self._place(f"the open calls of {service.name}", rows)
        for row in rows:
            whys = self._understanding.of_call(service, row)
            self._add(place, str(row["id"]), row["type"], row["saga_id"], whys)

    def at_queue(self, queue: str, waiting: int, letters: Sequence[Letter]) -> None:
        self.places.append(Place(queue, waiting, len(letters)))
        for letter in letters:
            whys = self._understanding.of_letter(letter)
            self._add(queue, letter.event_id, letter.type, letter.saga_id or "", whys)

    def _place(self, name: str, rows: Sequence[Record]) -> str:
        self.places.append(Place(name, rows[0]["waiting"] if rows else 0, len(rows)))
        return name

    def _add(self, place: str, identity: str, what: str, saga: str, whys: Iterable[str]) -> None:
        self.misunderstood += [Misunderstood(place, identity, what, saga, why) for why in whys]
