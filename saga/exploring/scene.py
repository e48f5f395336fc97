"""How far a schedule has come, and what can happen next. What is in the databases, a scene doesn't say."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from events import Envelope, Message
from saga.calls import OpenCall
from saga.messages import Command


class How(StrEnum):
    """What becomes of an action. All but the first are faults."""

    WELL = ""
    AGAIN = "hears once more"
    DYING = "dies before it commits what follows from"
    FORGETTING = "dies when it has been done outside, before it records"


class Action(NamedTuple):
    """One service hears one message, is asked one command, or has one call performed."""

    service: str
    what: str
    how: How = How.WELL

    def __str__(self) -> str:
        return f"{self.service} {self.how or 'goes on with'} {self.what}"

    def commutes(self, other: "Action") -> bool:
        """Whether it makes no difference which of them comes first: they share no database, and no store of faults."""
        return self.service != other.service and not (self.how and other.how)


@dataclass(frozen=True)
class Scene:
    """`messages` and `calls` are by names that don't depend on the order in which different services act."""

    messages: Mapping[str, Envelope[Message]] = field(default_factory=dict)
    calls: Mapping[str, OpenCall] = field(default_factory=dict)
    waiting: frozenset[Action] = frozenset()
    heard: frozenset[Action] = frozenset()
    faults: int = 0
    """How many more may happen."""

    @property
    def is_quiet(self) -> bool:
        return not self.waiting

    def actions(self) -> list[Action]:
        """All that can happen next, in an order that is always the same."""
        return sorted([*self.waiting, *(self._faults() if self.faults else ())])

    def _faults(self) -> Iterator[Action]:
        for action in self.waiting:
            is_call = action.what in self.calls
            yield action._replace(how=How.FORGETTING if is_call else How.DYING)
        yield from (action._replace(how=How.AGAIN) for action in self.heard)

    def without(self, action: Action) -> "Scene":
        """After the action, but for what follows from it."""
        if action.how:
            return replace(self, faults=self.faults - 1)
        is_event = action.what in self.messages and not isinstance(self.messages[action.what].data, Command)
        heard = self.heard | {action} if is_event else self.heard
        return replace(self, waiting=self.waiting - {action}, heard=heard)
