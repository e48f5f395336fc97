"""What a service's decorators record of its handlers, read from their annotations."""

import inspect
import typing
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

from events import Event, Message
from saga.errors import ChoreographyError
from saga.messages import Call, Command, Kind, Refusal

Handler = Callable[..., Awaitable[Any]]


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
    after: "Step | None" = None
    too_late: type[Event] | None = None
    joins: tuple[tuple[type[Message], ...], ...] = ()
    """The facts that it waits for, all of them: of each, the types that will do. Empty, if any that it hears does."""

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
    batch: bool = False


@dataclass(frozen=True, eq=False)
class Refusing:
    """How a step is refused by a person, when it can't be done and the saga is to be undone instead."""

    name: str
    handler: Handler
    answers: frozenset[type[Event]]


@dataclass(frozen=True, eq=False)
class Alarm:
    """What a service asks of itself as time goes by: a clock is a door, too."""

    name: str
    handler: Handler
    period: timedelta
    asks: frozenset[type[Command]]


def kind_of(types: Sequence[type[Message]], answers: frozenset[type], undone: Step | None) -> Kind:
    if undone is not None:
        return Kind.COMPENSATION
    if not answers:
        return Kind.LISTENER
    return Kind.ENTRY if all(issubclass(message, Command) for message in types) else Kind.COMPENSATABLE


def answers_of(handler: Handler, *allowed: type) -> frozenset[type[Any]]:
    """What the return annotation declares: of each answer, where it is a sequence of them."""
    hints = typing.get_type_hints(handler)
    if "return" not in hints:
        raise ChoreographyError(f"{name_of(handler)} must be annotated with what it returns")
    returned = hints["return"]
    declared = [part for part in _parts(_member(returned) or returned) if part is not NoneType]
    for part in declared:
        if not (isinstance(part, type) and issubclass(part, allowed)):
            kinds = ", ".join(f"{kind.__name__.lower()}s" for kind in allowed)
            raise ChoreographyError(f"{name_of(handler)} may return {kinds} or None, not {part!r}")
    return frozenset(declared)


def may_be_silent(handler: Handler) -> bool:
    """Whether None is among its declared answers."""
    returned = typing.get_type_hints(handler)["return"]
    return NoneType in _parts(_member(returned) or returned)


def alternatives(declared: type[Event] | UnionType) -> tuple[type[Event], ...]:
    return tuple(_parts(declared))


def unfit(handler: Handler, *places: Sequence[type] | None) -> str:
    """Why a handler can't take what will be in these places, which may be of any type where it is None; or nothing."""
    signature = inspect.signature(handler, follow_wrapped=False)
    try:
        signature.bind(*places)
    except TypeError:
        return f"must take {len(places)} arguments, and no more"
    hints = typing.get_type_hints(handler)
    for name, types in zip(signature.parameters, places, strict=False):
        declared = _parts(_member(hints.get(name)) or hints.get(name))
        if types is None or not all(
            isinstance(part, type) and issubclass(part, (Message, Refusal)) for part in declared
        ):
            continue  # it may take anything, for all that can be told
        for taken in types:
            if not issubclass(taken, tuple(declared)):
                return f"takes {taken.__name__}, but its {name!r} is annotated otherwise"
    return ""


def takes_batch(handler: Handler) -> bool:
    first = next(iter(typing.get_type_hints(handler).values()), None)
    return _member(first) is not None


def gives_batch(handler: Handler) -> bool:
    return _member(typing.get_type_hints(handler)["return"]) is not None


def _member(annotation: Any) -> Any:
    """What a sequence is annotated to hold; None, if it is no sequence."""
    origin = get_origin(annotation)
    return get_args(annotation)[0] if isinstance(origin, type) and issubclass(origin, Sequence) else None


def _parts(annotation: Any) -> tuple[Any, ...]:
    is_union = get_origin(annotation) in {typing.Union, UnionType}
    return get_args(annotation) if is_union else (annotation,)


def name_of(handler: Handler) -> str:
    return str(inspect.unwrap(handler).__name__)
