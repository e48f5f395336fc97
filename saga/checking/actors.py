"""Steps as the abstract choreography sees them: by the names of what they hear and may answer, without any data."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from events import Event, Message
from saga.declarations import Settlement, Step, may_be_silent
from saga.errors import ChoreographyError
from saga.messages import Call, Command, Intervention, Kind, wire_name
from saga.service import Service

Answer = str | None
"""The type of an event; None, where nothing is said."""


@dataclass(frozen=True)
class Actor:
    """One step.

    `answers` are what it may say at once, `outcomes` what it may say when its call to the outside world has ended:
    empty, where it makes none. `refusals` are those of them with which it refuses, which means it has done nothing.
    `forgetful` is whether its service forgets sagas that have ended. `joins` are the facts that it waits for, if it
    needs more than one: of each, the types that will do.
    """

    service: str
    name: str
    kind: Kind
    hears: frozenset[str]
    answers: frozenset[Answer]
    outcomes: frozenset[Answer]
    refusals: frozenset[str]
    commands: frozenset[str]
    undoes: str | None
    after: str | None
    too_late: str | None
    forgetful: bool
    joins: tuple[frozenset[str], ...]

    @property
    def id(self) -> str:
        return f"{self.service}.{self.name}"

    @property
    def says(self) -> frozenset[str]:
        return frozenset(answer for answer in self.answers | self.outcomes if answer is not None)

    def in_time(self, answers: frozenset[Answer]) -> frozenset[Answer]:
        """Those of them that an undo gives when it isn't too late."""
        return frozenset(answer for answer in answers if answer is None or answer != self.too_late)

    @property
    def takes_part(self) -> bool:
        return self.kind is not Kind.LISTENER


def actors(services: Iterable[Service]) -> list[Actor]:
    """Every step, but for a person's interventions. Raises ChoreographyError where a call leads nowhere."""
    return [_actor(service, step) for service in services for step in service.steps.values()]


def silent(parts: Sequence[Actor]) -> list[str]:
    """Services that take part and say nothing: nobody notices what they do, so nothing depends on it.

    But once a pivot has passed, nothing anywhere may be undone: it is followed with all others, whatever it says.
    """
    taking_part = {part.service: False for part in parts if part.takes_part}
    taking_part |= {part.service: True for part in parts if part.says or part.kind is Kind.PIVOT}
    return [service for service, speaks in taking_part.items() if not speaks]


def interventions(services: Iterable[Service]) -> list[str]:
    """What a person may ask of one service alone: `service.Command`."""
    return [
        f"{service.name}.{message.__name__}"
        for service in services
        for step in service.steps.values()
        for message in step.hears
        if issubclass(message, Intervention)
    ]


def _actor(service: Service, step: Step) -> Actor:
    refusing = service.refusals.get(step.name)
    refusals = frozenset(map(wire_name, refusing.answers)) if refusing else frozenset()
    heard = [message for message in step.hears if not issubclass(message, Intervention)]
    answers: set[Answer] = {wire_name(answer) for answer in step.answers if issubclass(answer, Event)}
    answers |= refusals
    if not step.answers or may_be_silent(step.handler):
        answers.add(None)
    return Actor(
        service=service.name,
        name=step.name,
        kind=step.kind,
        hears=frozenset(_heard_as(service, message) for message in heard),
        answers=frozenset(answers),
        outcomes=frozenset(_outcomes(service, [a for a in step.answers if issubclass(a, Call)])),
        refusals=refusals,
        commands=frozenset(_heard_as(service, message) for message in heard if issubclass(message, Command)),
        undoes=f"{service.name}.{step.undoes.name}" if step.undoes else None,
        after=f"{service.name}.{step.after.name}" if step.after else None,
        too_late=wire_name(step.too_late) if step.too_late else None,
        forgetful=service.forget is not None,
        joins=tuple(frozenset(map(wire_name, place)) for place in step.joins),
    )


def _heard_as(service: Service, message: type[Message]) -> str:
    """A command is asked at one service's door: another's of the same name is another one."""
    return f"{service.name}.{message.__name__}" if issubclass(message, Command) else wire_name(message)


def _outcomes(service: Service, asked: Sequence[type[Call]]) -> set[Answer]:
    """What may be said when these calls, and those that follow from them, have ended."""
    said: set[Answer] = set()
    todo, seen = list(asked), set(asked)
    while todo:
        settlement = _settlement(service, todo.pop())
        said |= {wire_name(answer) for answer in settlement.answers if issubclass(answer, Event)}
        if not settlement.answers or may_be_silent(settlement.handler):
            said.add(None)
        more = {answer for answer in settlement.answers if issubclass(answer, Call)} - seen
        todo += more
        seen |= more
    return said


def _settlement(service: Service, call: type[Call]) -> Settlement:
    try:
        return service.settlements[call]
    except KeyError:
        raise ChoreographyError(
            f"{service.name}: {call.__name__} is asked for, and no settlement hears its outcome"
        ) from None
