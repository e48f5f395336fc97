"""What can be told from the declarations alone, without following a saga."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from events import Event
from saga.checking.actors import Actor
from saga.checking.findings import Finding
from saga.messages import Call, Kind, wire_name
from saga.service import Service


def misshapen(services: Sequence[Service], actors: Sequence[Actor]) -> Iterator[Finding]:
    ways = ways_to(actors)
    yield from _unheard(services, actors, ways)
    yield from _unsaid(actors)
    yield from _circles(actors)
    yield from _never_undone(actors, ways)
    yield from _unsound_kinds(actors, ways)
    yield from _unasked(services)
    yield from _unheeded(services)
    yield from _namesakes(services)
    yield from _said_elsewhere(services)


def ways_to(actors: Sequence[Actor]) -> dict[str, Sequence[str]]:
    """The shortest story in which an event of each type is said, if it can be."""
    ways: dict[str, Sequence[str]] = {}
    new = [(said, [f"{actor.id} says {said}"]) for actor in actors if actor.kind is Kind.ENTRY for said in actor.says]
    new += [(command, [f"somebody asks {command}"]) for a in actors for command in a.commands]
    while new:
        ways |= {said: way for said, way in reversed(new) if said not in ways}
        new = [
            (said, [*ways[heard], f"{actor.id} hears {heard} and says {said}"])
            for actor in actors
            for heard in sorted(actor.hears & ways.keys())
            for said in sorted(actor.says - ways.keys())
        ]
    return ways


def _unheard(
    services: Sequence[Service], actors: Sequence[Actor], ways: Mapping[str, Sequence[str]]
) -> Iterator[Finding]:
    final = {wire_name(event) for service in services for event in service.said if event.final}
    heard = {message for actor in actors for message in actor.hears}
    for actor in actors:
        for said in sorted(actor.says - heard - final):
            yield Finding(
                f"{said}, which {actor.id} says, is heard by nobody, and isn't declared final", ways.get(said, ())
            )


def _unsaid(actors: Sequence[Actor]) -> Iterator[Finding]:
    said = {message for actor in actors for message in actor.says}
    hearers: defaultdict[str, list[str]] = defaultdict(list)
    for actor in actors:
        for heard in actor.hears - actor.commands - said:
            hearers[heard].append(actor.id)
    for heard, waiting in sorted(hearers.items()):
        yield Finding(
            f"{heard} is said by nobody, neither by a step nor by an entry",
            [f"{name} waits for {heard}" for name in waiting],
        )


def _circles(actors: Sequence[Actor]) -> Iterator[Finding]:
    parts = [actor for actor in actors if actor.takes_part]
    graph = {actor.id: {other.id for other in parts if other.says & actor.hears} for actor in parts}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = error.args[1]
        by_id = {actor.id: actor for actor in parts}
        told = [
            f"{after} hears {', '.join(sorted(by_id[before].says & by_id[after].hears))} of {before}"
            for before, after in pairwise(circle)
        ]
        yield Finding("the choreography goes round in a circle", told)


def _never_undone(actors: Sequence[Actor], ways: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    undone = {actor.undoes for actor in actors}
    for actor in actors:
        if actor.kind is Kind.COMPENSATABLE and actor.id not in undone:
            yield Finding(f"no step undoes {actor.id}, which is neither pivot nor retriable", _way_into(actor, ways))


def _unsound_kinds(actors: Sequence[Actor], ways: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    pivots = {actor.after for actor in actors if actor.kind is Kind.PIVOT}
    for_good = {actor.id: actor.kind for actor in actors if actor.kind in {Kind.PIVOT, Kind.RETRIABLE}}
    for actor in actors:
        way = _way_into(actor, ways)
        by_itself = actor.says - actor.refusals
        if actor.kind is Kind.RETRIABLE and len(actor.says) > 1:
            yield Finding(f"{actor.id} is retriable, so it can't refuse, and may say only one thing", way)
        if actor.kind in {Kind.COMPENSATABLE, Kind.PIVOT} and len(actor.says) > 1 and not actor.refusals:
            alternatives = " or ".join(sorted(actor.says))
            yield Finding(
                f"{actor.id} says {alternatives}, and nobody can refuse it by hand: which of them refuses isn't "
                "declared with `refuses`, and once its message has parked the saga has no way out",
                way,
            )
        if actor.hears and (kind := for_good.get(actor.undoes or "")):
            yield Finding(f"{actor.id} undoes {actor.undoes}, which is {kind}: what it has done stays done", way)
        if actor.refusals and not by_itself:
            yield Finding(f"{actor.id} can only refuse", way)
        if actor.too_late and actor.undoes not in pivots:
            yield Finding(f"{actor.id} may be too late, but there is no pivot after {actor.undoes}", way)


def _way_into(actor: Actor, ways: Mapping[str, Sequence[str]]) -> Sequence[str]:
    return min((ways[heard] for heard in sorted(actor.hears & ways.keys())), key=len, default=())


def _unasked(services: Iterable[Service]) -> Iterator[Finding]:
    for service in services:
        answers: set[type[Event | Call]] = set()
        answers = answers.union(*(step.answers for step in service.steps.values()))
        answers = answers.union(*(settlement.answers for settlement in service.settlements.values()))
        for call, settlement in service.settlements.items():
            if call not in answers:
                yield Finding(f"{service.name}: {settlement.name} settles {call.__name__}, which no step asks for")
        for name, refusing in service.refusals.items():
            step = service.steps[name]
            said = {*step.answers}.union(
                *(s.answers for call, s in service.settlements.items() if call in step.answers)
            )
            for answer in refusing.answers - said:
                yield Finding(
                    f"{service.name}: {refusing.name} refuses with {wire_name(answer)}, which {name} never says"
                )
            if not refusing.answers:
                yield Finding(f"{service.name}: {refusing.name} refuses {name} without telling anybody")


def _namesakes(services: Sequence[Service]) -> Iterator[Finding]:
    for name, count in Counter(service.name for service in services).items():
        if count > 1:
            yield Finding(f"{count} services are called {name}, and would share a queue and a database")


def _unheeded(services: Iterable[Service]) -> Iterator[Finding]:
    for service in services:
        heard = {message for step in service.steps.values() for message in step.hears}
        for alarm in service.alarms:
            for command in sorted(alarm.asks - heard, key=wire_name):
                yield Finding(f"{service.name}: {alarm.name} asks {command.__name__}, which none of its steps hears")


def _said_elsewhere(services: Iterable[Service]) -> Iterator[Finding]:
    for service in services:
        for event in service.said:
            if event.exchange != service.exchange:
                yield Finding(
                    f"{service.name} says {event.event_type} at the exchange {event.exchange!r}, and may only publish "
                    f"to {service.exchange!r}"
                )
