"""Every state that a saga can get into, nearest first; so the first that is wrong has the shortest story."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from saga.checking.actors import Actor
from saga.checking.findings import Finding
from saga.checking.states import UNDONE, Move, Stand, State
from saga.checking.world import World
from saga.messages import Kind

HELD = frozenset({Stand.DONE, Stand.ASKING, Stand.NOTED, Stand.KEPT})
PASSED = frozenset({Stand.DONE, Stand.KEPT, Stand.UNDOING, Stand.UNDONE})
"""A pivot that stands like this has passed, whatever was done to it afterwards."""
GIVEN_UP = frozenset({Stand.REFUSED, Stand.UNDONE, Stand.EMPTY, Stand.BLOCKED})
"""A step that stands like this ends its saga in a refusal, unless a pivot has passed."""


@dataclass(frozen=True)
class Explored:
    """`counterexample` is the first state that is wrong; None, if `states` are all there are."""

    states: int
    moves: int
    counterexample: Finding | None
    idle: Sequence[str] = ()
    """Steps that never act, and undos that never find anything to undo, in any of all these states."""

    @property
    def findings(self) -> list[Finding]:
        return [*([self.counterexample] if self.counterexample else []), *map(Finding, self.idle)]


def explore(actors: Sequence[Actor], repeats: int) -> Explored:
    """Look at every state there is, until one is wrong."""
    world = World(actors, repeats)
    laws = Laws(world, actors)
    came_from: dict[State, tuple[State, Move] | None] = {world.start: None}
    todo, moves = deque([world.start]), 0
    acted, undone = set[int](), set[int]()
    while todo:
        state = todo.popleft()
        for move in world.moves(state):
            moves += 1
            if move.acted is not None:
                acted.add(move.acted)
                if world.has_undone(move.state, move.acted):
                    undone.add(move.acted)
            if wrong := move.broken or (move.state not in came_from and laws.broken(move.state)):
                story = [*_story(came_from, state), move.told]
                return Explored(len(came_from), moves, Finding(str(wrong), story))
            if move.state not in came_from:
                came_from[move.state] = (state, move)
                todo.append(move.state)
    return Explored(len(came_from), moves, None, tuple(_idle(world, acted, undone)))


def _idle(world: World, acted: set[int], undone: set[int]) -> Iterator[str]:
    for number, actor in enumerate(world.actors):
        if actor.hears and number not in acted:
            yield f"{actor.id} is never reached"
        elif actor.hears and actor.undoes and number not in undone:
            yield f"{actor.id} never finds anything to undo"


def _story(came_from: dict[State, tuple[State, Move] | None], state: State) -> list[str]:
    story = []
    while before := came_from[state]:
        state, move = before
        story.append(move.told)
    return story[::-1]


class Laws:
    """What must hold of a saga's states: of all, or of those in which nothing is on its way."""

    def __init__(self, world: World, actors: Sequence[Actor]) -> None:
        self._world = world
        self._names = [world.actors[number].id for number in world.fenced]
        self._kinds = [world.actors[number].kind for number in world.fenced]
        self._pivots = [place for place, kind in enumerate(self._kinds) if kind is Kind.PIVOT]
        self._compensatable = [place for place, kind in enumerate(self._kinds) if kind is Kind.COMPENSATABLE]
        speaking = {actor.service for actor in actors if actor.says}
        heard = {message for actor in world.actors if actor.service in speaking for message in actor.hears}
        self._last_words = {said for actor in actors for said in actor.says} - heard
        services = {actor.service: set[str]() for actor in actors}
        for actor in actors:
            services[actor.service] |= actor.hears
        self._services = [world.actors[number].service for number in world.fenced]
        self._forgetful = [world.actors[number].forgetful for number in world.fenced]
        self._heard_by = [services[service] for service in self._services]
        self._from_pivot = {place: _what_follows(world, world.fenced[place]) for place in self._pivots}

    def broken(self, state: State) -> str:
        """Which law it breaks, in words; empty, if none."""
        passed = [place for place in self._pivots if state.stands[place].stand in PASSED]
        if passed and (why := self._not_undone_after(state, passed[0])):
            return why
        if not self._world.is_quiet(state):
            return ""
        return self._ended_badly(state, passed) or next(filter(None, (self._untold(state, p) for p in passed)), "")

    def _not_undone_after(self, state: State, pivot: int) -> str:
        for place, position in enumerate(state.stands):
            stand = position.stand
            if stand in UNDONE or stand in GIVEN_UP:
                return f"the pivot {self._names[pivot]} has passed, and {self._names[place]} {stand.words}"
        return ""

    def _ended_badly(self, state: State, passed: Sequence[int]) -> str:
        stands = {place: position.stand for place, position in enumerate(state.stands)}
        given_up = [place for place, stand in stands.items() if stand in GIVEN_UP]
        if given_up and not passed:
            reason = f"{self._names[given_up[0]]} {stands[given_up[0]].words}"
            for place in self._compensatable:
                if stands[place] in HELD:
                    return f"it has ended, {reason}, and {self._names[place]} {stands[place].words}: nothing undoes it"
        if not given_up and (waiting := self._world.joins_in_vain(state)):
            return f"it has ended, and {waiting}"
        said = self._world.says(state)
        if any(stand is not Stand.NEW for stand in stands.values()) and not said & self._last_words:
            return "it has ended, and nobody has said how"
        return ""

    def _untold(self, state: State, pivot: int) -> str:
        """Who forgets what has ended has to hear that it has, or it keeps what it did for ever."""
        news = self._from_pivot[pivot] & self._world.says(state)
        for place in self._compensatable:
            waits = self._forgetful[place] and self._services[place] != self._services[pivot]
            if waits and state.stands[place].stand is Stand.DONE and not news & self._heard_by[place]:
                return (
                    f"the pivot {self._names[pivot]} has passed, and {self._services[place]} hears nothing of it, "
                    f"so it never forgets {self._names[place]}, which can't be undone any more"
                )
        return ""


def _what_follows(world: World, pivot: int) -> set[str]:
    """The types that can only be said when it has passed, or after that."""
    types = set(world.actors[pivot].says - world.actors[pivot].refusals)
    while more := {said for a in world.actors if a.hears & types for said in a.says} - types:
        types |= more
    return types
