"""What is to exist at the broker, derived from the services' declarations alone."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from saga.broker import UNROUTED, Names
from saga.service import Service
from saga.settings import RETRY_TIERS

CRASH_LIMIT = 50
"""Deliveries without an acknowledgement after which a message is parked. A guard against one that takes the process
down each time; ordinary failures are counted by the runtime and never come near it."""

LOOKS = 1_000_000_000
"""How often a message may be looked at before the broker takes it for one that nobody can handle. It counts each look
at a queue as a failed delivery, and from RabbitMQ 4 on throws away what it has given out 20 times, unless told another
limit; that there is none it can be told since 4.0 only."""

OVERHEARD_KEPT = 8 * 1024**3
"""Bytes. So much waits for who overhears, and no more: the broker must not run out of room for those who work. What is
older than that is gone for it, until it is said again (`saga retell`)."""

UNROUTED_KEPT = 100_000
"""Messages that nobody hears are kept for a person to see, the newest of them: never so many that the disk fills."""

NO_TOPIC = "(?!)"
"""A regular expression that matches nothing, not even nothing."""

PUBLISHER = "publisher"
"""The user of whoever starts sagas: may publish to the front doors, and nothing else."""


@dataclass(frozen=True, slots=True)
class Exchange:
    name: str
    kind: str
    alternate: str | None = None


@dataclass(frozen=True, slots=True)
class Queue:
    """A quorum queue. Whatever may have to change one day is a policy, since arguments never can."""

    name: str


@dataclass(frozen=True, slots=True, order=True)
class Binding:
    exchange: str
    queue: str
    routing_key: str


@dataclass(frozen=True, slots=True)
class Policy:
    queue: str
    definition: dict[str, Any] = field(hash=False)

    @property
    def name(self) -> str:
        return f"saga.{self.queue}"

    @property
    def pattern(self) -> str:
        return _only(self.queue)


@dataclass(frozen=True, slots=True)
class User:
    """Permissions as regular expressions over names: nobody may declare, delete or bind anything.

    To bind is to write to a queue and to read from an exchange, and a service's queue and exchange share their name: so
    of its `exchange`, it may read no topic.
    """

    name: str
    write: str
    read: str
    configure: str = "^$"
    exchange: str = ""


@dataclass(frozen=True, slots=True)
class Topology:
    exchanges: tuple[Exchange, ...]
    queues: tuple[Queue, ...]
    bindings: tuple[Binding, ...]
    policies: tuple[Policy, ...]
    users: tuple[User, ...]


def derive(services: Sequence[Service], tiers: Sequence[timedelta] = RETRY_TIERS) -> Topology:
    """One topic exchange and one queue per service, its retry tiers and its dead letters; and who may use what.

    The exchanges that a service listens to are its business, too: their owners may be provisioned later.
    """
    parts = [_of_onlooker(service, tiers) if service.overhears else _of_service(service, tiers) for service in services]
    doors = [service.exchange for service in services if service.front_door]
    shared = Topology(
        exchanges=(Exchange(UNROUTED, "fanout"),),
        queues=(Queue(UNROUTED),),
        bindings=(Binding(UNROUTED, UNROUTED, ""),),
        policies=(Policy(UNROUTED, {"max-length": UNROUTED_KEPT, "overflow": "drop-head", "delivery-limit": LOOKS}),),
        users=(User(PUBLISHER, write=_only(*doors), read="^$"),) if doors else (),
    )
    return _together([shared, *parts])


def _of_service(service: Service, tiers: Sequence[timedelta]) -> Topology:
    names = Names(service.name)
    tier_queues = {names.tier(tier): tier for tier in tiers}
    heard = sorted({(event.exchange, event.event_type) for event in service.heard})
    return Topology(
        exchanges=(
            *(Exchange(name, "topic", alternate=UNROUTED) for name in sorted({service.exchange, *dict(heard)})),
            Exchange(names.retry_exchange, "direct"),  # what it can't route is returned: nothing of it may get lost
        ),
        queues=tuple(Queue(name) for name in (names.queue, *tier_queues, names.dead)),
        bindings=(
            *(Binding(exchange, names.queue, event_type) for exchange, event_type in heard),
            *(Binding(names.retry_exchange, queue, queue) for queue in (names.queue, *tier_queues, names.dead)),
        ),
        policies=(
            Policy(names.queue, _dead_lettering(names, names.dead) | {"delivery-limit": CRASH_LIMIT}),
            *(
                Policy(queue, _dead_lettering(names, names.queue) | {"message-ttl": round(tier.total_seconds() * 1000)})
                for queue, tier in tier_queues.items()
            ),
            Policy(names.dead, {"delivery-limit": LOOKS}),
        ),
        users=(
            User(
                service.name,
                write=_only(service.exchange, names.retry_exchange),
                read=_only(names.queue, names.dead),
                exchange=service.exchange,
            ),
        ),
    )


def _of_onlooker(service: Service, tiers: Sequence[timedelta]) -> Topology:
    """Its queue hears what the others say, type by type, what nobody hears, and what they can't handle.

    A binding to all types would hide from everybody else that nobody hears one.
    """
    names, others = Names(service.name), service.overheard
    spoken = sorted({(event.exchange, event.event_type) for other in others for event in (*other.heard, *other.said)})
    ways = [Names(other.name) for other in others]
    own = _of_service(service, tiers)
    return replace(
        own,
        exchanges=(
            *(Exchange(name, "topic", alternate=UNROUTED) for name in sorted(dict(spoken))),
            *(Exchange(way.retry_exchange, "direct") for way in (names, *ways)),
        ),
        bindings=(
            *own.bindings,
            *(Binding(exchange, names.queue, event_type) for exchange, event_type in spoken),
            Binding(UNROUTED, names.queue, ""),
            *(
                Binding(way.retry_exchange, names.queue, key)
                for way in ways
                for key in (way.queue, *map(way.tier, tiers), way.dead, way.discarded)
            ),
        ),
        policies=(
            Policy(names.queue, {"max-length-bytes": OVERHEARD_KEPT, "overflow": "drop-head", "delivery-limit": LOOKS}),
            *own.policies[1:],
        ),
        users=(User(service.name, write=_only(names.retry_exchange), read=_only(names.queue, names.dead)),),
    )


def _dead_lettering(names: Names, target: str) -> dict[str, Any]:
    """At least once; which silently becomes at most once without `reject-publish`.

    https://www.rabbitmq.com/docs/quorum-queues#dead-lettering
    """
    return {
        "dead-letter-exchange": names.retry_exchange,
        "dead-letter-routing-key": target,
        "dead-letter-strategy": "at-least-once",
        "overflow": "reject-publish",
    }


def _together(parts: Iterable[Topology]) -> Topology:
    parts = list(parts)
    return Topology(
        exchanges=tuple(dict.fromkeys(e for part in parts for e in part.exchanges)),
        queues=tuple(q for part in parts for q in part.queues),
        bindings=tuple(b for part in parts for b in part.bindings),
        policies=tuple(p for part in parts for p in part.policies),
        users=tuple(u for part in parts for u in part.users),
    )


def _only(*names: str) -> str:
    return f"^({'|'.join(re.escape(name) for name in names)})$"
