"""The services of a scenario, each on a database of its own, without a broker: a scheduler takes its place."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from events import Envelope, Event, Message
from saga import written
from saga.calls import OpenCall
from saga.errors import ChoreographyError
from saga.exploring.member import Member
from saga.exploring.sandbox import Sandbox
from saga.exploring.scenario import Scenario
from saga.exploring.scene import Action, How, Scene
from saga.messages import wire_name
from saga.participant import Participant
from saga.service import Service
from saga.testing import enveloped

SENDER = "explorer"


@dataclass(frozen=True)
class Company:
    """All of them; `types` are those of every event and command that they know, by their names."""

    members: Mapping[str, Member]
    types: Mapping[str, type[Message]]

    async def begin(self) -> None:
        """Nothing has happened yet."""
        for member in self.members.values():
            await member.pool.execute(member.beginning)

    async def opening(self, said: Sequence[Message], faults: int, copies: int = 1) -> Scene:
        """The scene in which nothing has happened yet, and anything of this may: each fact under so many ids.

        Raises Failed, if an alarm does.
        """
        scene = Scene(faults=faults)
        for message in said:
            if isinstance(message, Event):
                ids = [f"{message.saga_id}/{wire_name(type(message))}/{copy}" for copy in range(copies)]
                scene = self._said(scene, [enveloped(message, identity, SENDER) for identity in ids])
            else:
                scene = self._asked(scene, message)
        for member in self.members.values():
            scene = _due(scene, member.service, await member.due())
        return scene

    async def after(self, action: Action, scene: Scene) -> Scene:
        """Have the action happen; the scene that follows. Raises Failed."""
        member = self.members[action.service]
        done = await member.act(action, scene)
        return await self.following(member, scene.without(action) if done else scene)

    async def following(self, member: Member, scene: Scene) -> Scene:
        """The scene, with what the member has said and asked meanwhile, and what it would ask of itself."""
        said = [written.envelope(self.types, body) for body in await member.take_said()]
        scene = self._called(self._said(scene, said), member.service, await member.open_calls())
        return _due(scene, member.service, await member.due())

    def _said(self, scene: Scene, said: Iterable[Envelope[Message]]) -> Scene:
        messages, waiting = dict(scene.messages), set(scene.waiting)
        counted = Counter(_without_number(name) for name in messages)
        for envelope in said:
            what = f"{envelope.type} of {envelope.saga_id[-4:]}"
            counted[what] += 1
            name = what if counted[what] == 1 else f"{what} ({counted[what]})"
            messages[name] = envelope
            hearing = (m.service for m in self.members.values() if type(envelope.data) in m.service.heard)
            waiting |= {Action(service.name, name) for service in hearing}
        return replace(scene, messages=messages, waiting=frozenset(waiting))

    def _asked(self, scene: Scene, command: Message) -> Scene:
        asked_of = [
            m.service for m in self.members.values() if any(type(command) in s.hears for s in m.service.steps.values())
        ]
        if len(asked_of) != 1:
            names = ", ".join(service.name for service in asked_of) or "nobody"
            raise ChoreographyError(f"{type(command).__name__} must be heard by one service, and not by {names}")
        (service,) = asked_of
        identity = f"{command.saga_id}/{type(command).__name__}"
        asked = self.members[service.name].participant.asked(command, "api", identity)
        name = f"{type(command).__name__} of {command.saga_id[-4:]}"
        messages = {**scene.messages, name: asked}
        return replace(scene, messages=messages, waiting=scene.waiting | {Action(service.name, name)})

    def _called(self, scene: Scene, service: Service, calls: Sequence[OpenCall]) -> Scene:
        others = {a for a in scene.waiting if a.service != service.name or a.what not in scene.calls}
        ours = {f"{type(call.call).__name__} of {call.saga_id[-4:]} ({call.step})": call for call in calls}
        elsewhere = {name: call for name, call in scene.calls.items() if any(a.what == name for a in others)}
        waiting = others | {Action(service.name, name) for name in ours}
        return replace(scene, calls=elsewhere | ours, waiting=frozenset(waiting))


def _due(scene: Scene, service: Service, due: set[Action]) -> Scene:
    """An alarm that has rung has nothing new to judge by before its service has done something else."""
    others = {a for a in scene.waiting if a.service != service.name or a.how is not How.RINGING}
    return replace(scene, waiting=frozenset(others | (due - scene.rung)))


def _without_number(name: str) -> str:
    return name.partition(" (")[0]


@asynccontextmanager
async def company(
    scenario: Scenario, sandbox: Sandbox, pool: Callable[[str], AbstractAsyncContextManager[Any]]
) -> AsyncIterator[Company]:
    """The services, each on its own database in the sandbox; `pool` opens what its connections are taken from."""
    async with AsyncExitStack() as stack:
        members = {}
        for service in scenario.takes_part():
            box = sandbox[service.name]
            connections = await stack.enter_async_context(pool(box.url))
            members[service.name] = Member(
                service=service,
                pool=connections,
                beginning=f"{box.emptying}; {scenario.prepared.get(service.name, '')}",
                participant=Participant(service, connections),
                performers=scenario.outside[service.name](connections) if service.name in scenario.outside else {},
                settings=scenario.clocks.get(service.name),
            )
        known = {message for m in members.values() for s in m.service.steps.values() for message in s.hears}
        known |= {message for m in members.values() for message in m.service.said}
        yield Company(members, written.by_name(known))
