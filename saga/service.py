"""A participant: its handlers, whose annotations are the choreography."""

import inspect
import typing
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin

from events import Event, Message
from saga.errors import ChoreographyError
from saga.messages import Call, Command, Kind

Handler = Callable[..., Awaitable[Any]]
H = TypeVar("H", bound=Handler)


@dataclass(frozen=True, eq=False)
class Step:
    """One handler, as its decorator and its annotations declare it."""

    name: str
    handler: Handler
    hears: tuple[type[Message], ...]
    answers: frozenset[type[Event | Call]]
    kind: Kind
    undoes: "Step | None" = None
    batch: bool = False

    @property
    def fenced(self) -> bool:
        """Who says nothing is no step of the saga: it hears every fact, and can't be undone."""
        return self.kind is not Kind.LISTENER


@dataclass(frozen=True, eq=False)
class Settlement:
    """What happens when the outcome of a call is known."""

    name: str
    call: type[Call]
    handler: Handler
    answers: frozenset[type[Event | Call]]


@dataclass(eq=False)
class Service:
    """A participant of sagas.

    `exchange` is where it publishes, and nobody else may, unless it is a `front_door`, where the publisher role may,
    too. `package` is the Python package that holds its migrations.
    """

    name: str
    exchange: str = ""
    package: str = ""
    front_door: bool = False
    steps: dict[str, Step] = field(default_factory=dict)
    settlements: dict[type[Call], Settlement] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.exchange = self.exchange or self.name
        self.package = self.package or f"{self.name}_service"

    def on(self, *types: type[Message], undoes: Handler | None = None, kind: Kind | None = None) -> Callable[[H], H]:
        """Make a function the handler of these events or commands.

        It runs inside one local transaction and returns what is to be said: an event, a call, or None. What it may
        return is what its annotation says. A handler of `Sequence[SomeEvent]` takes a whole batch, and returns as
        many answers in the same order, or None. `undoes` names the handler whose effect it compensates.
        """

        def register(handler: H) -> H:
            self._add(handler, types, undoes, kind)
            return handler

        return register

    def settles(self, call: type[Call]) -> Callable[[H], H]:
        """Make a function the one that records a call's outcome: `(call, outcome, tx) -> event`."""

        def register(handler: H) -> H:
            if call in self.settlements:
                raise ChoreographyError(f"{self.name}: {call.__name__} is settled twice")
            self.settlements[call] = Settlement(_name(handler), call, handler, _answers(handler))
            return handler

        return register

    def step_for(self, message: type[Message]) -> Step:
        for step in self.steps.values():
            if message in step.hears:
                return step
        raise ChoreographyError(f"{self.name} has no handler for {message.__name__}")

    def step_of(self, handler: Handler) -> Step:
        try:
            return self.steps[_name(handler)]
        except KeyError:
            raise ChoreographyError(f"{_name(handler)} is no handler of {self.name}") from None

    @property
    def heard(self) -> tuple[type[Event], ...]:
        """The event types that it handles: its queue is bound to exactly these."""
        heard = (message for step in self.steps.values() for message in step.hears)
        return tuple(message for message in heard if issubclass(message, Event))

    def said_by(self, step: Step) -> tuple[type[Event], ...]:
        """The events that may follow from a step, at once or when the outcome of its call is known."""
        said: set[type[Event]] = set()
        open_calls = list(step.answers)
        seen: set[type[Event | Call]] = set()
        while open_calls:
            answer = open_calls.pop()
            if answer in seen:
                continue
            seen.add(answer)
            if issubclass(answer, Event):
                said.add(answer)
            elif answer in self.settlements:
                open_calls.extend(self.settlements[answer].answers)
            else:
                raise ChoreographyError(f"{self.name}: nobody settles {answer.__name__}, which {step.name} asks")
        return tuple(sorted(said, key=lambda event: event.event_type))

    @property
    def said(self) -> tuple[type[Event], ...]:
        said = {event for step in self.steps.values() for event in self.said_by(step)}
        return tuple(sorted(said, key=lambda event: event.event_type))

    def _undone(self, undoes: Handler) -> Step:
        """The step that is undone; even if it says nothing, the fence has to know of it."""
        step = self.step_of(undoes)
        if step.kind is Kind.LISTENER:
            step = self.steps[step.name] = replace(step, kind=Kind.COMPENSATABLE)
        return step

    def _add(self, handler: Handler, types: Sequence[type[Message]], undoes: Handler | None, kind: Kind | None) -> None:
        name = _name(handler)
        if name in self.steps:
            raise ChoreographyError(f"{self.name}: two handlers are called {name}")
        for message in types:
            for step in self.steps.values():
                if message in step.hears:
                    raise ChoreographyError(f"{self.name}: both {step.name} and {name} handle {message.__name__}")
        answers = _answers(handler)
        if answers and _takes_batch(handler) is not _gives_batch(handler):
            raise ChoreographyError(f"{self.name}: {name} must take and return a sequence, or neither")
        undone = self._undone(undoes) if undoes else None
        kind = kind or _kind(types, answers, undone)
        self.steps[name] = Step(name, handler, tuple(types), answers, kind, undone, _takes_batch(handler))


def _kind(types: Sequence[type[Message]], answers: frozenset[type], undone: Step | None) -> Kind:
    if undone is not None:
        return Kind.COMPENSATION
    if not answers:
        return Kind.LISTENER
    return Kind.ENTRY if all(issubclass(message, Command) for message in types) else Kind.COMPENSATABLE


def _answers(handler: Handler) -> frozenset[type[Event | Call]]:
    """What the return annotation declares: of each answer, where it is a sequence of them."""
    hints = typing.get_type_hints(handler)
    if "return" not in hints:
        raise ChoreographyError(f"{_name(handler)} must be annotated with what it returns")
    returned = hints["return"]
    declared = [part for part in _parts(_member(returned) or returned) if part is not NoneType]
    for part in declared:
        if not (isinstance(part, type) and issubclass(part, Event | Call)):
            raise ChoreographyError(f"{_name(handler)} may return events, calls or None, not {part!r}")
    return frozenset(declared)


def _takes_batch(handler: Handler) -> bool:
    first = next(iter(typing.get_type_hints(handler).values()), None)
    return _member(first) is not None


def _gives_batch(handler: Handler) -> bool:
    return _member(typing.get_type_hints(handler)["return"]) is not None


def _member(annotation: Any) -> Any:
    """What a sequence is annotated to hold; None, if it is no sequence."""
    origin = get_origin(annotation)
    return get_args(annotation)[0] if isinstance(origin, type) and issubclass(origin, Sequence) else None


def _parts(annotation: Any) -> tuple[Any, ...]:
    is_union = get_origin(annotation) in {typing.Union, UnionType}
    return get_args(annotation) if is_union else (annotation,)


def _name(handler: Handler) -> str:
    return str(inspect.unwrap(handler).__name__)
