"""What a drain check tells."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Where something waits: a table or a queue, what is in it, and how much of that was looked at."""

    name: str
    waiting: int
    seen: int


@dataclass(frozen=True, slots=True)
class Misunderstood:
    """What the services of this version can't go on with. `why` is what they would say of it."""

    place: str
    id: str
    type: str
    saga: str
    why: str

    def __str__(self) -> str:
        return f"{self.place}: {self.type} of {self.saga or 'an unknown saga'} ({self.id}): {self.why}"


@dataclass(frozen=True, slots=True)
class Report:
    places: Sequence[Place]
    misunderstood: Sequence[Misunderstood]

    @property
    def unseen(self) -> int:
        """How much was too much to look at."""
        return sum(place.waiting - place.seen for place in self.places)

    @property
    def is_understood(self) -> bool:
        return not self.misunderstood and not self.unseen
