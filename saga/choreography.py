"""Who follows whom: the choreography as the services' declarations draw it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from events import Event, Message
from saga.declarations import Step
from saga.messages import Kind
from saga.service import Service


@dataclass(frozen=True, slots=True)
class Part:
    """A step in words of the wire: the types of events that it hears and says; those with which it refuses."""

    service: str
    name: str
    kind: Kind
    hears: frozenset[str]
    says: frozenset[str]
    refuses: frozenset[str]
    undoes: str | None
    joins: tuple[frozenset[str], ...] = ()
    """If it waits for several events: of each, the types that will do."""

    @property
    def id(self) -> str:
        """`service.step`."""
        return f"{self.service}.{self.name}"

    def due_since(self, heard: Mapping[str, datetime]) -> datetime | None:
        """When it had all that it goes on from, if it has, by when each type was first heard."""
        ways = self.joins or [self.hears]
        times = [min((heard[t] for t in types & heard.keys()), default=None) for types in ways]
        known = [time for time in times if time is not None]
        return max(known) if len(known) == len(ways) else None

    @property
    def is_step(self) -> bool:
        """Who only listens is no step of the saga."""
        return self.kind is not Kind.LISTENER


@dataclass(frozen=True)
class Choreography:
    """All parts of some services, by their ids."""

    parts: Mapping[str, Part]
    continuing: Mapping[str, Sequence[Part]] = field(init=False)
    """By the type that they hear: those that go on from there. A type without any is final."""
    speaking: Mapping[tuple[str, str], Sequence[Part]] = field(init=False)
    """By service and type: those that may have said it."""
    refusals: frozenset[str] = field(init=False)
    undoing: frozenset[str] = field(init=False)
    """The types after which something is undone."""

    def __post_init__(self) -> None:
        continuing: defaultdict[str, list[Part]] = defaultdict(list)
        speaking: defaultdict[tuple[str, str], list[Part]] = defaultdict(list)
        for part in self.parts.values():
            for heard in part.hears if self.waits_for(part) else ():
                continuing[heard].append(part)
            for said in part.says:
                speaking[part.service, said].append(part)
        compensations = [part for part in self.parts.values() if part.undoes]
        object.__setattr__(self, "continuing", dict(continuing))
        object.__setattr__(self, "speaking", dict(speaking))
        object.__setattr__(self, "refusals", frozenset(t for part in self.parts.values() for t in part.refuses))
        object.__setattr__(self, "undoing", frozenset(t for part in compensations for t in part.hears))

    @classmethod
    def of(cls, services: Iterable[Service]) -> "Choreography":
        parts = [_part(service, step) for service in services for step in service.steps.values()]
        return cls({part.id: part for part in parts})

    def waits_for(self, part: Part) -> bool:
        """Whether a saga isn't at its end without it: for a service that never says anything, nobody can wait."""
        return part.is_step and any(other.says for other in self.parts.values() if other.service == part.service)

    def hearer(self, service: str, event_type: str) -> Part | None:
        """The part of a service that hears events of this type, whether it is a step or only listens."""
        return next((p for p in self.parts.values() if p.service == service and event_type in p.hears), None)

    @property
    def types(self) -> frozenset[str]:
        return frozenset(t for part in self.parts.values() for t in part.hears | part.says)


def _part(service: Service, step: Step) -> Part:
    refusing = service.refusals.get(step.name)
    return Part(
        service=service.name,
        name=step.name,
        kind=step.kind,
        hears=_wire(step.hears),
        says=_wire(service.said_by(step)),
        refuses=_wire(refusing.answers) if refusing else frozenset(),
        undoes=f"{service.name}.{step.undoes.name}" if step.undoes else None,
        joins=tuple(map(_wire, step.joins)),
    )


def _wire(messages: Iterable[type[Message]]) -> frozenset[str]:
    return frozenset(message.event_type for message in messages if issubclass(message, Event))
