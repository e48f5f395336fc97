"""A participant: its handlers, whose annotations are the choreography."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import UnionType
from typing import TypeVar

from events import Event, Message
from saga.declarations import (
    Alarm,
    Handler,
    Refusing,
    Settlement,
    Step,
    alternatives,
    answers_of,
    gives_batch,
    kind_of,
    name_of,
    takes_batch,
    unfit,
)
from saga.errors import ChoreographyError
from saga.laws import Laws
from saga.messages import Call, Command, Kind, Refusal

H = TypeVar("H", bound=Handler)


@dataclass(eq=False)
class Service:
    """A participant of sagas.

    `exchange` is where it publishes, and nobody else may, unless it is a `front_door`, where the publisher role may,
    too. `package` is the Python package that holds its migrations. `laws` say what must hold of its books. `forget` is
    a statement that deletes what it keeps of sagas that are finished and have not changed for an interval, `$1`: the
    oldest, at most `$2` of them, and tells how many. `unfinished` gives rows `(status, sagas, age)`: how many sagas are
    not finished, by how they stand, and the age of the oldest in seconds.
    """

    name: str
    exchange: str = ""
    package: str = ""
    front_door: bool = False
    laws: Laws | None = None
    forget: str | None = None
    unfinished: str | None = None
    overheard: Sequence["Service"] = ()
    overhears: Step | None = None
    steps: dict[str, Step] = field(default_factory=dict)
    settlements: dict[type[Call], Settlement] = field(default_factory=dict)
    refusals: dict[str, Refusing] = field(default_factory=dict)
    alarms: list[Alarm] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.exchange = self.exchange or self.name
        self.package = self.package or f"{self.name}_service"

    def on(
        self,
        *types: type[Message],
        undoes: Handler | None = None,
        kind: Kind | None = None,
        after: Handler | None = None,
        too_late: type[Event] | None = None,
    ) -> Callable[[H], H]:
        """Make a function the handler of these events or commands.

        It runs inside one local transaction and returns what is to be said: an event, a call, or None. What it may
        return is what its annotation says. A handler of `Sequence[SomeEvent]` takes a whole batch, and returns as
        many answers in the same order, or None. `undoes` names the handler whose effect it compensates.

        `after` names the handler whose effect this one builds on: it acts only while that stands. `too_late` is what
        an undo says, undoing nothing, once a pivot has come `after` what it would undo. Both are for `saga check`,
        which takes the handler's word for them.
        """
        self._expect_messages("what is heard is an event or a command", types)

        def register(handler: H) -> H:
            self._add(handler, types, undoes, kind, after, too_late)
            return handler

        return register

    def join(
        self, *facts: type[Event] | UnionType, undoes: Handler | None = None, kind: Kind | None = None
    ) -> Callable[[H], H]:
        """Make a function the handler of several facts of one saga, once all of them have been heard, in any order.

        It takes them all: `(flight, hotel, car, tx)`. Where one of several types will do, `Refused | Cancelled`, it
        takes the one that came first. It is one step, fenced and undone like any other.
        """
        places = tuple(alternatives(fact) for fact in facts)
        self._expect_messages("what is joined are events", [fact for place in places for fact in place])

        def register(handler: H) -> H:
            if takes_batch(handler):
                raise ChoreographyError(f"{self.name}: {name_of(handler)} joins facts of one saga, and takes no batch")
            types = [message for place in places for message in place]
            self._add(handler, types, undoes, kind, None, None, places)
            return handler

        return register

    def settles(self, call: type[Call]) -> Callable[[H], H]:
        """Make a function the one that records a call's outcome: `(call, outcome, tx) -> event`.

        Like a handler, it may do so for many at once: `(calls, outcomes, tx) -> events`, all of them sequences.
        """
        self._expect_messages("what is settled is a call", [call])

        def register(handler: H) -> H:
            name = name_of(handler)
            if call in self.settlements:
                raise ChoreographyError(f"{self.name}: {call.__name__} is settled twice")
            self._expect(handler, (call,), None, None)
            answers = self._answers(handler)
            self.settlements[call] = Settlement(name, call, handler, answers, takes_batch(handler))
            return handler

        return register

    def overhear(self, *others: "Service") -> Callable[[H], H]:
        """Make a function the one that is told all that others say, and what becomes of it: `(heard, tx) -> None`.

        It takes a batch, a sequence of `saga.overhearing.Overheard`, which may hold what it was told before. Who
        overhears takes no part: others neither wait for it, nor notice when it isn't there.
        """

        def register(handler: H) -> H:
            if self.overhears is not None or self.steps or answers_of(handler) or not takes_batch(handler):
                raise ChoreographyError(f"{self.name}: {name_of(handler)} must be alone, take a batch and say nothing")
            self.overhears = Step(name_of(handler), handler, (), frozenset(), Kind.LISTENER, batch=True)
            self.overheard = others
            return handler

        return register

    def refuses(self, step: Handler) -> Callable[[H], H]:
        """Make a function the one that refuses a step: `(refusal, tx) -> event`.

        A person asks for it when the step's message has parked and won't ever be handled. It says the event with which
        the step itself refuses, and stores what the step would have stored with it.
        """

        def register(handler: H) -> H:
            refused = self.step_of(step)
            if refused.kind not in {Kind.COMPENSATABLE, Kind.PIVOT} or refused.name in self.refusals:
                raise ChoreographyError(f"{self.name}: {refused.name} can't be refused, or is refused twice")
            self._expect(handler, (Refusal,), None)
            self.refusals[refused.name] = Refusing(name_of(handler), handler, answers_of(handler, Event))
            return handler

        return register

    def every(self, period: timedelta) -> Callable[[H], H]:
        """Make a function one that is called again and again: `(settings, tx) -> commands`.

        What it returns is handled in the same transaction, as if it had been asked at the service's door. It is called
        only while the service has caught up with its queue: it judges by what was said, not by what is still unheard.
        """
        if not isinstance(period, timedelta):
            raise ChoreographyError(f"{self.name}: an alarm's period is a timedelta, and not {period!r}")

        def register(handler: H) -> H:
            self._expect(handler, None, None)
            self.alarms.append(Alarm(name_of(handler), handler, period, answers_of(handler, Command)))
            return handler

        return register

    def step_for(self, message: type[Message]) -> Step:
        for step in self.steps.values():
            if message in step.hears:
                return step
        raise ChoreographyError(f"{self.name} has no handler for {message.__name__}")

    def step_of(self, handler: Handler) -> Step:
        if not callable(handler):
            raise ChoreographyError(f"{self.name}: name a handler itself, and not {handler!r}")
        try:
            return self.steps[name_of(handler)]
        except KeyError:
            raise ChoreographyError(f"{name_of(handler)} is no handler of {self.name}") from None

    @property
    def heard(self) -> tuple[type[Event], ...]:
        """The event types that it handles: its queue is bound to exactly these."""
        heard = (message for step in self.steps.values() for message in step.hears)
        return tuple(message for message in heard if issubclass(message, Event))

    def said_by(self, step: Step) -> tuple[type[Event], ...]:
        """The events that may follow from a step: at once, when the outcome of its call is known, or by its refusal."""
        said: set[type[Event]] = set()
        open_calls = [*step.answers, *(self.refusals[step.name].answers if step.name in self.refusals else ())]
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
    def followers(self) -> tuple[Step, ...]:
        """What goes by what its other steps have done: undoes it, or comes after it. Who has no such steps has none."""
        done = [s for s in self.steps.values() if s.kind is Kind.COMPENSATABLE]
        return tuple(step for step in self.steps.values() if done and step not in done)

    @property
    def said(self) -> tuple[type[Event], ...]:
        said = {event for step in self.steps.values() for event in self.said_by(step)}
        return tuple(sorted(said, key=lambda event: event.event_type))

    def _expect(self, handler: Handler, *places: Sequence[type] | None) -> None:
        if why := unfit(handler, *places):
            raise ChoreographyError(f"{self.name}: {name_of(handler)} {why}")

    def _expect_messages(self, which: str, told: Sequence[object]) -> None:
        """A decorator without its parentheses is told the handler itself."""
        for one in told:
            if not (isinstance(one, type) and issubclass(one, Message)):
                raise ChoreographyError(f"{self.name}: {which}, and not {one!r}")

    def _answers(self, handler: Handler) -> frozenset[type[Event | Call]]:
        answers = answers_of(handler, Event, Call)
        if answers and takes_batch(handler) is not gives_batch(handler):
            raise ChoreographyError(f"{self.name}: {name_of(handler)} must take and return a sequence, or neither")
        return answers

    def _undone(self, undoes: Handler) -> Step:
        """The step that is undone; even if it says nothing, the fence has to know of it."""
        step = self.step_of(undoes)
        if step.kind is Kind.LISTENER:
            step = self.steps[step.name] = replace(step, kind=Kind.COMPENSATABLE)
        return step

    def _add(
        self,
        handler: Handler,
        types: Sequence[type[Message]],
        undoes: Handler | None,
        kind: Kind | None,
        after: Handler | None,
        too_late: type[Event] | None,
        joins: tuple[tuple[type[Message], ...], ...] = (),
    ) -> None:
        name = name_of(handler)
        if name in self.steps:
            raise ChoreographyError(f"{self.name}: two handlers are called {name}")
        if len(set(types)) < len(types):
            raise ChoreographyError(f"{self.name}: {name} waits twice for the same event")
        for message in types:
            for step in self.steps.values():
                if message in step.hears:
                    raise ChoreographyError(f"{self.name}: both {step.name} and {name} handle {message.__name__}")
        if kind is not None and not isinstance(kind, Kind):
            raise ChoreographyError(f"{self.name}: {kind!r} is no kind of step: say Kind.PIVOT, for instance")
        self._expect(handler, *(joins or (types,)), None)
        answers = self._answers(handler)
        undone = self._undone(undoes) if undoes else None
        before = self.step_of(after) if after else None
        if before and before.kind in {Kind.LISTENER, Kind.ENTRY}:
            which = "only listens" if before.kind is Kind.LISTENER else "begins sagas, and is no step of them"
            raise ChoreographyError(f"{self.name}: {name} can't come after {before.name}, which {which}")
        if undone and undone.undoes:
            raise ChoreographyError(f"{self.name}: {name} can't undo {undone.name}, which is an undo itself")
        if too_late and (undone is None or too_late not in answers):
            raise ChoreographyError(f"{self.name}: {name} undoes nothing, or never says {too_late.__name__}")
        self.steps[name] = Step(
            name,
            handler,
            tuple(types),
            answers,
            kind or kind_of(types, answers, undone),
            undone,
            takes_batch(handler),
            before,
            too_late,
            joins,
        )
