"""What is explored: some services, what lies outside of them, and what comes from there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from events import Message
from saga.caller import Performer
from saga.database import Pool
from saga.messages import Call
from saga.service import Service
from saga.settings import Settings

Story = Callable[[UUID], Sequence[Message]]
"""All that anybody outside says in the course of a saga of this id: facts, for whoever hears them, and commands, for
the service that answers them. Each comes at any time, before or after everything else."""

Outside = Callable[[Pool], Mapping[type[Call], Performer]]
"""What performs a service's calls, with books of its own, if it has any, in the service's database."""


@dataclass(frozen=True)
class Scenario:
    """`outside`, `prepared` and `clocks` are by the names of services. `prepared` is SQL that fills a service's empty
    tables before a schedule begins. `clocks` are the settings with which a service's alarms ring, at any moment; those
    of others don't. No time passes in a schedule: what an alarm is to find has to be due at once.
    """

    services: Sequence[Service]
    stories: Mapping[str, Story]
    outside: Mapping[str, Outside] = field(default_factory=dict)
    prepared: Mapping[str, str] = field(default_factory=dict)
    clocks: Mapping[str, Settings] = field(default_factory=dict)

    def takes_part(self) -> list[Service]:
        return [service for service in self.services if service.steps]
