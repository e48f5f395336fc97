"""How far a schedule has come, and what can happen next. What is in the databases, a scene doesn't say."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from events import Envelope, Message
from saga.calls import OpenCall
from saga.messages import Command


class How(StrEnum):
    """What becomes of an action. All but the first two are faults."""

    WELL = ""
    RINGING = "is told by its clock to"
    AGAIN = "hears once more"
    DYING = "dies before it commits what follows from"
    FORGETTING = "dies when it has been done outside, before it records"


class Action(NamedTuple):
    """One service hears one message, is asked one command, has one call performed, or one of its alarms ring."""

    service: str
    what: str
    how: How = How.WELL

    def __str__(self) -> str:
        return f"{self.service} {self.how or 'goes on with'} {self.what}"

    @property
    def is_fault(self) -> bool:
        return self.how not in {How.WELL, How.RINGING}

    def commutes(self, other: "Action") -> bool:
        """Whether it makes no difference which of them comes first: they share no database, and no store of faults."""
        return self.service != other.service and not (self.is_fault and other.is_fault)


@dataclass(frozen=True)
class Scene:
    """`messages` and `calls` are by names that don't depend on the order in which different services act."""

    messages: Mapping[str, Envelope[Message]] = field(default_factory=dict)
    calls: Mapping[str, OpenCall] = field(default_factory=dict)
    waiting: frozenset[Action] = frozenset()
    heard: frozenset[Action] = frozenset()
    rung: frozenset[Action] = frozenset()
    """The alarms that have rung since their service last did anything else."""
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
            if action.how is not How.RINGING:  # one that dies before it commits has not rung
                yield action._replace(how=How.FORGETTING if action.what in self.calls else How.DYING)
        yield from (action._replace(how=How.AGAIN) for action in self.heard)

    def without(self, action: Action) -> "Scene":
        """After the action, but for what follows from it."""
        if action.is_fault:
            return replace(self, faults=self.faults - 1)
        rung = frozenset(alarm for alarm in self.rung if alarm.service != action.service)
        if action.how is How.RINGING:
            return replace(self, waiting=self.waiting - {action}, rung=self.rung | {action})
        is_event = action.what in self.messages and not isinstance(self.messages[action.what].data, Command)
        heard = self.heard | {action} if is_event else self.heard
        return replace(self, waiting=self.waiting - {action}, heard=heard, rung=rung)
