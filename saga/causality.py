"""Causes before effects."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from heapq import heappop, heappush
from typing import Any, Protocol, TypeVar


class Caused(Protocol):
    """Something that happened to an event. `event_id` names it, and `causationid` the one that caused it."""

    @property
    def event_id(self) -> str: ...
    @property
    def causationid(self) -> str | None: ...
    @property
    def time(self) -> datetime: ...
    @property
    def tie(self) -> Any:
        """What decides between those of the same time."""
        ...


C = TypeVar("C", bound=Caused)


def causes_first(things: Iterable[C]) -> list[C]:
    """The earliest whose cause isn't waiting any more; where they name each other in a circle, the earliest.

    What isn't among them holds up nobody. The order depends on the things alone, not on how they come in.
    """
    waiting = dict(enumerate(sorted(things, key=lambda thing: (thing.time, thing.tie))))
    names = {thing.event_id for thing in waiting.values()}
    effects: defaultdict[str, list[int]] = defaultdict(list)
    free: list[int] = []
    for place, thing in waiting.items():
        cause = thing.causationid
        if cause is not None and cause != thing.event_id and cause in names:
            effects[cause].append(place)
        else:
            free.append(place)
    ordered = []
    while waiting:
        chosen = waiting.pop(heappop(free) if free else next(iter(waiting)), None)
        if chosen is not None:
            ordered.append(chosen)
            for place in effects.pop(chosen.event_id, ()):
                heappush(free, place)
    return ordered
