"""Why no participant is made.

CannotMake
├── NotHere         we don't stand in the checkout whose `saga` this is, or it belongs to none
├── NoName          nothing can be called so
├── NameTaken       something else is called so
├── NobodySays      no such event
├── CannotHear      such an event, but no step that can be undone begins with it
├── Unproven        the choreography with it fails
└── Unfinished      it is written, but the documents aren't
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from saga import SagaError
from saga.checking import Finding


class CannotMake(SagaError):
    """Nothing was written, unless it is `Unfinished`."""


@dataclass
class NotHere(CannotMake):
    here: Path
    checkout: Path | None

    def __str__(self) -> str:
        if self.checkout is None:
            return "this command belongs to no checkout of the project: clone it, and run 'make install' there"
        return f"{self.here} is not in the checkout that this command belongs to: stand in {self.checkout}"


@dataclass
class NoName(CannotMake):
    name: str
    why: str

    def __str__(self) -> str:
        return f"{self.name!r} can't be a participant's name: {self.why}"


@dataclass
class NameTaken(CannotMake):
    name: str
    by: str

    def __str__(self) -> str:
        return f"the name {self.name!r} is taken: {self.by}"


@dataclass
class NobodySays(CannotMake):
    event_type: str
    known: Iterable[str]

    def __str__(self) -> str:
        known = sorted(self.known)
        near = get_close_matches(self.event_type, known, n=1)
        meant = f"did you mean {near[0]}? " if near else ""
        return f"nobody says {self.event_type!r}: {meant}What is said is {', '.join(known)}"


@dataclass
class CannotHear(CannotMake):
    event_type: str
    why: str

    def __str__(self) -> str:
        return f"a step can't begin with {self.event_type}: {self.why}"


@dataclass
class Unproven(CannotMake):
    name: str
    finding: Finding

    def __str__(self) -> str:
        return f"with {self.name} the choreography fails, as `saga check` would tell: {self.finding}"


@dataclass
class Unfinished(CannotMake):
    name: str

    def __str__(self) -> str:
        return f"{self.name} is written, but `make generate` has failed: see above, mend it, and run it again"
