"""Every way in which a saga may end, each by the shortest story that ends so."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from saga.checking.actors import Actor, actors, silent
from saga.checking.states import Stand, State
from saga.checking.world import World
from saga.messages import Kind
from saga.service import Service


@dataclass(frozen=True)
class Scene:
    """What one transaction does. `service` is None where somebody outside speaks; `said` may be nothing.

    `became` tells how a step stands after it that stood otherwise before: `(step, words)`.
    """

    service: str | None
    said: str | None
    hearers: Sequence[str]
    became: tuple[str, str] | None


@dataclass(frozen=True)
class Story:
    """`title` says how it ends."""

    title: str
    scenes: Sequence[Scene]


def stories(services: Sequence[Service]) -> list[Story]:
    """One for each way in which a saga's steps may stand when nothing is on its way any more, the shortest first.

    Who says nothing, and is no pivot, is in no story.
    """
    everybody = actors([service for service in services if service.steps])
    parts = [part for part in everybody if part.service not in silent(everybody)]
    world = World(parts, repeats=1)
    came_from: dict[State, State | None] = {world.start: None}
    ends: dict[tuple[Stand, ...], State] = {}
    todo = deque([world.start])
    while todo:
        state = todo.popleft()
        for move in world.moves(state):
            if move.state not in came_from:
                came_from[move.state] = state
                todo.append(move.state)
                if world.is_quiet(move.state):
                    ends.setdefault(_stands(move.state), move.state)
    teller = _Teller(world, parts)
    begun = {stands: state for stands, state in ends.items() if any(stand is not Stand.NEW for stand in stands)}
    return [Story(teller.title(state), teller.scenes(_way(came_from, state))) for state in begun.values()]


def _stands(state: State) -> tuple[Stand, ...]:
    return tuple(position.stand for position in state.stands)


def _way(came_from: dict[State, State | None], state: State) -> list[State]:
    way = [state]
    while before := came_from[way[-1]]:
        way.append(before)
    return way[::-1]


class _Teller:
    def __init__(self, world: World, parts: Sequence[Actor]) -> None:
        self._world = world
        self._steps = [world.actors[number] for number in world.fenced]
        self._parts = parts

    def title(self, state: State) -> str:
        """What has refused, was too late, or could not begin any more; else what was done."""
        by_stand = {
            stand: [f"`{step.name}`" for step, held in zip(self._steps, _stands(state), strict=True) if held is stand]
            for stand in Stand
        }
        told = [f"{name} refuses" for name in by_stand[Stand.REFUSED]]
        told += [f"{name} refuses, and is told to be undone" for name in by_stand[Stand.EMPTY]]
        told += [f"{name} is undone" for name in by_stand[Stand.UNDONE]]
        told += [f"{name} never begins" for name in by_stand[Stand.BLOCKED]]
        told += [f"{name} stays, since its undo comes too late" for name in by_stand[Stand.KEPT]]
        done = [f"{name} is done" for name in by_stand[Stand.DONE]]
        return ", ".join(told or done)

    def scenes(self, way: Sequence[State]) -> list[Scene]:
        return [scene for before, after in pairwise(way) for scene in self._between(before, after)]

    def _between(self, before: State, after: State) -> Iterator[Scene]:
        new = sorted(self._world.says(after) - self._world.says(before))
        changed = [
            (step, held)
            for step, was, held in zip(self._steps, _stands(before), _stands(after), strict=True)
            if was is not held
        ]
        became = (changed[0][0].name, changed[0][1].words) if changed else None
        service = changed[0][0].service if changed else self._speaker(new)
        if new or became:
            said = new[0] if new else None
            yield Scene(service, said, self._hearers(said), became)

    def _speaker(self, said: Sequence[str]) -> str | None:
        """Who says something without a step that stands otherwise afterwards: a front door, for somebody outside."""
        entries = [part for part in self._parts if part.kind is Kind.ENTRY and part.says & set(said)]
        return entries[0].service if entries else None

    def _hearers(self, said: str | None) -> list[str]:
        """Those with a step that hears it; who only listens isn't told of."""
        return list(dict.fromkeys(step.service for step in self._world.actors if said in step.hears))
