"""All that can happen to one saga.

Messages arrive in any order, after any time. A copy of one that was handled changes nothing, whatever has happened in
between: that is the inbox, so copies are no moves of their own. The same fact under another id is one, and it is the
fence that stops it. A step commits all that it does or nothing, so a crash is a message that arrives later, or again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from saga.checking.actors import Actor, Answer
from saga.checking.states import CLOSED, OPEN, UNDONE, Move, Position, Stand, State
from saga.messages import Kind


@dataclass(frozen=True)
class Delivery:
    """A message on its way to one of those who hear it."""

    message: int
    hearer: int


class World:
    """What `actors` may do; who says something from outside may say it `repeats` times, under another id each time."""

    def __init__(self, actors: Sequence[Actor], repeats: int) -> None:
        self.actors = [actor for actor in actors if actor.takes_part and actor.kind is not Kind.ENTRY]
        entries = [actor for actor in actors if actor.kind is Kind.ENTRY]
        self.numbers = {actor.id: number for number, actor in enumerate(self.actors)}
        self.undone = [self.numbers.get(actor.undoes or "", -1) for actor in self.actors]
        self.fenced = [number for number, undone in enumerate(self.undone) if undone < 0]
        self._place = {number: place for place, number in enumerate(self.fenced)}
        commands = sorted({command for actor in self.actors for command in actor.commands})
        from_outside = commands + sorted({said for entry in entries for said in entry.says})
        inside = sorted({said for actor in self.actors for said in actor.says})
        self.messages = [name for name in from_outside for _ in range(repeats)] + inside
        self._outside = len(from_outside) * repeats
        self._commands = len(commands) * repeats
        self._repeats = repeats
        self.deliveries = [
            Delivery(message, hearer)
            for message, name in enumerate(self.messages)
            for hearer, actor in enumerate(self.actors)
            if name in actor.hears
        ]
        self._bits = [
            sum(1 << n for n, delivery in enumerate(self.deliveries) if delivery.message == message)
            for message in range(len(self.messages))
        ]
        self._joins = {
            message: [
                (number, self._bits[message] & self._deliveries_to(number))
                for number, actor in enumerate(self.actors)
                if actor.joins and name in actor.hears
            ]
            for message, name in enumerate(self.messages)
        }
        self._inside = {name: number for number, name in enumerate(inside, self._outside)}
        self._closed = [self._never_acts_again(number) for number in self.fenced]
        self.start = State((Position(Stand.NEW),) * len(self.fenced), 0, 0)

    def position(self, state: State, number: int) -> Position:
        """How a step stands; an undo has no position but that of what it undoes."""
        return state.stands[self._place[number]]

    def has_undone(self, state: State, number: int) -> bool:
        """Whether it is an undo, and has found something to undo."""
        undone = self.undone[number]
        return undone >= 0 and self.position(state, undone).stand in UNDONE

    def is_quiet(self, state: State) -> bool:
        """Nothing happens any more, if nobody outside says anything."""
        return not state.waiting and all(position.stand not in OPEN for position in state.stands)

    def joins_in_vain(self, state: State) -> str:
        """Which step waits for others of the facts that it joins, which nobody outside can tell it; empty, if none."""
        outside = set(self.messages[: self._outside])
        for number in self.fenced:
            actor = self.actors[number]
            if actor.joins and self.position(state, number).stand is Stand.NEW:
                missing = self._missing(state, number)
                if len(missing) < len(actor.joins) and not any(outside.intersection(m.split(" or ")) for m in missing):
                    return f"{actor.id} waits for {' and '.join(missing)}"
        return ""

    def says(self, state: State) -> set[str]:
        """The types of all that has been said."""
        return {name for number, name in enumerate(self.messages) if state.said >> number & 1}

    def moves(self, state: State) -> Iterator[Move]:
        """All that can happen next."""
        for message in range(0, self._outside, self._repeats):
            yield from self._from_outside(state, message)
        for number, delivery in enumerate(self.deliveries):
            if state.waiting >> number & 1:
                yield from self._deliver(State(state.stands, state.said, state.waiting & ~(1 << number)), delivery)
        for number in self.fenced:
            if self.position(state, number).stand in OPEN:
                yield from self._settle(state, number)

    def _from_outside(self, state: State, first: int) -> Iterator[Move]:
        """The copies of a fact are alike: the next one is said."""
        for message in range(first, first + self._repeats):
            if not state.said >> message & 1:
                again = "" if message == first else ", again and under another id"
                how = "says" if message >= self._commands else "asks"
                yield Move(f"somebody {how} {self.messages[message]}{again}", self._say(state, message))
                return

    def _say(self, state: State, message: int) -> State:
        said = state.said | 1 << message
        waiting = state.waiting | self._bits[message]
        for number, deliveries in self._joins.get(message, ()):
            early = State(state.stands, said, waiting & ~deliveries)
            if self._missing(early, number):
                waiting = early.waiting
        return self._settled(state.stands, said, waiting)

    def _settled(self, stands: tuple[Position, ...], said: int, waiting: int) -> State:
        """Without what the fence will stop in any case."""
        for position, closed in zip(stands, self._closed, strict=True):
            waiting &= ~closed[position.stand]
        return State(stands, said, waiting)

    def _never_acts_again(self, step: int) -> list[int]:
        """By how a step stands: the deliveries that change nothing any more, whenever they come."""
        done = self._deliveries_to(step)
        undone = 0
        for number, undoes in enumerate(self.undone):
            undone |= self._deliveries_to(number) if undoes == step else 0
        return [(done if stand is not Stand.NEW else 0) | (undone if stand in CLOSED else 0) for stand in Stand]

    def _deliveries_to(self, number: int) -> int:
        return sum(1 << bit for bit, delivery in enumerate(self.deliveries) if delivery.hearer == number)

    def _deliver(self, state: State, delivery: Delivery) -> Iterator[Move]:
        number, heard = delivery.hearer, self.messages[delivery.message]
        hears = f"{self.actors[number].id} hears {heard}"
        if self.actors[number].joins and (missing := self._missing(state, number)):
            yield Move(f"{hears}, and waits for {' and '.join(missing)}", state)
        elif self.undone[number] >= 0:
            yield from self._undo(state, number, hears)
        elif self.position(state, number).stand is not Stand.NEW:
            yield Move(f"{hears}, and the fence stops it: it {self.position(state, number).stand.words}", state)
        else:
            yield from self._do(state, number, heard, hears)

    def _missing(self, state: State, number: int) -> list[str]:
        """What a step that joins several facts has not heard yet, of those that it needs."""
        arrived = {
            self.messages[delivery.message]
            for bit, delivery in enumerate(self.deliveries)
            if delivery.hearer == number and state.said >> delivery.message & 1 and not state.waiting >> bit & 1
        }
        return [" or ".join(sorted(place)) for place in self.actors[number].joins if not place & arrived]

    def _do(self, state: State, number: int, heard: str, hears: str) -> Iterator[Move]:
        actor = self.actors[number]
        if actor.after and self.position(state, self.numbers[actor.after]).stand not in {Stand.DONE, Stand.KEPT}:
            stands = f"{actor.after} {self.position(state, self.numbers[actor.after]).stand.words}"
            if heard in actor.commands:
                yield Move(f"{hears}, and declines: {stands}", state)
            else:
                yield Move(hears, state, f"{actor.id} comes after {actor.after}, but {stands}", number)
            return
        if actor.outcomes:
            yield Move(f"{hears} and asks the outside world", self._stand(state, number, Stand.ASKING), acted=number)
        for answer in _sorted(actor.answers):
            stand = Stand.REFUSED if answer in actor.refusals else Stand.DONE
            yield self._answer(self._stand(state, number, stand), hears, answer, number)

    def _undo(self, state: State, number: int, hears: str) -> Iterator[Move]:
        undone = self.undone[number]
        stand = self.position(state, undone).stand
        if stand is Stand.ASKING:
            yield Move(
                f"{hears}, and is noted: {self.actors[undone].id} {stand.words}",
                self._stand(state, undone, Stand.NOTED, number),
                acted=number,
            )
        elif stand in {Stand.NEW, Stand.DONE, Stand.REFUSED}:
            yield from self._carry_out(state, number, hears)
        else:
            yield Move(f"{hears}, and the fence stops it: {self.actors[undone].id} {stand.words}", state)

    def _carry_out(self, state: State, number: int, told: str) -> Iterator[Move]:
        """What the undo does to a step that is done, has refused, or never ran."""
        actor, undone = self.actors[number], self.undone[number]
        stand = self.position(state, undone).stand
        at_once = actor.in_time(actor.answers)
        if stand is not Stand.DONE:
            nothing = Stand.BLOCKED if stand is Stand.NEW else Stand.EMPTY
            after = self._stand(state, undone, nothing, number)
            told = f"{told}, finds nothing to undo"
            if not at_once:
                yield Move(
                    told,
                    after,
                    f"{actor.id} asks the outside world only, and has no event to say that nothing was undone",
                    number,
                )
            for answer in _sorted(at_once):
                yield self._answer(after, told, answer, number)
        elif actor.too_late and self._is_too_late(state, undone):
            yield self._answer(
                self._stand(state, undone, Stand.KEPT, number), f"{told} too late", actor.too_late, number
            )
        else:
            if actor.outcomes:
                yield Move(
                    f"{told} and asks the outside world to undo it",
                    self._stand(state, undone, Stand.UNDOING, number),
                    acted=number,
                )
            for answer in _sorted(at_once):
                yield self._answer(
                    self._stand(state, undone, Stand.UNDONE, number),
                    f"{told}, undoes {self.actors[undone].id}",
                    answer,
                    number,
                )

    def _is_too_late(self, state: State, undone: int) -> bool:
        return any(
            actor.kind is Kind.PIVOT
            and actor.after == self.actors[undone].id
            and self.position(state, number).stand is Stand.DONE
            for number, actor in enumerate(self.actors)
            if self.undone[number] < 0
        )

    def _settle(self, state: State, number: int) -> Iterator[Move]:
        position = self.position(state, number)
        if position.stand is Stand.UNDOING:
            undo = self.actors[position.undo]
            for answer in _sorted(undo.in_time(undo.outcomes)):
                after = self._stand(state, number, Stand.UNDONE, position.undo)
                yield self._answer(after, f"{undo.id} has undone {self.actors[number].id}", answer, position.undo)
            return
        actor = self.actors[number]
        for answer in _sorted(actor.outcomes):
            stand = Stand.REFUSED if answer in actor.refusals else Stand.DONE
            settled = self._answer(self._stand(state, number, stand), f"{actor.id} learns the outcome", answer, number)
            if position.stand is Stand.ASKING:
                yield settled
            else:
                yield from self._carry_out(
                    settled.state, position.undo, f"{settled.told}; {self.actors[position.undo].id}, noted on it,"
                )

    def _answer(self, state: State, told: str, answer: Answer, number: int) -> Move:
        if answer is None:
            return Move(f"{told} and says nothing", state, acted=number)
        return Move(f"{told} and says {answer}", self._say(state, self._inside[answer]), acted=number)

    def _stand(self, state: State, number: int, stand: Stand, undo: int = -1) -> State:
        place = self._place[number]
        stands = (*state.stands[:place], Position(stand, undo), *state.stands[place + 1 :])
        return self._settled(stands, state.said, state.waiting)


def _sorted(answers: frozenset[Answer]) -> list[Answer]:
    return sorted(answers, key=lambda answer: answer or "")
