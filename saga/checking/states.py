"""How one saga stands in the abstract: its steps, and what is on its way."""

from enum import IntEnum
from typing import NamedTuple, Self


class Stand(IntEnum):
    """How a step stands: the fence's word on it, and what its own rows would say."""

    def __new__(cls, words: str) -> Self:
        """Numbers, since states are looked up by what they hold, millions of times."""
        stand = int.__new__(cls, len(cls.__members__))
        stand._value_ = len(cls.__members__)
        stand.words = words
        return stand

    words: str

    NEW = "hasn't been done"
    ASKING = "waits for the outside world"
    NOTED = "waits for the outside world, and its undo is noted on that call"
    DONE = "is done"
    REFUSED = "has refused"
    UNDOING = "is being undone by the outside world"
    UNDONE = "is undone"
    EMPTY = "had nothing to undo after it refused"
    BLOCKED = "is blocked, since its undo came first"
    KEPT = "stays done: the undo came too late"


OPEN = frozenset({Stand.ASKING, Stand.NOTED, Stand.UNDOING})
"""A call to the outside world will end."""
CLOSED = frozenset({Stand.NOTED, Stand.UNDOING, Stand.UNDONE, Stand.EMPTY, Stand.BLOCKED, Stand.KEPT})
"""Its undo has come."""
UNDONE = frozenset({Stand.UNDONE, Stand.UNDOING})
"""There was something to undo."""


class Position(NamedTuple):
    """How a step stands, and by which undo (its number) if one has come."""

    stand: Stand
    undo: int = -1


class State(NamedTuple):
    """`stands` are those of `World.fenced`; bits are by the numbers of `World.messages` and `World.deliveries`."""

    stands: tuple[Position, ...]
    said: int
    waiting: int


class Move(NamedTuple):
    """One transaction: of the actor that acted, if one did. `broken` tells what it shows to be wrong by itself."""

    told: str
    state: State
    broken: str = ""
    acted: int | None = None
