"""The services of a scenario, each on a database of its own, without a broker: a scheduler takes its place."""

import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pydantic_core import from_json, to_json

from events import Envelope, Event, Message
from events.envelope import envelopes_of
from saga import faultpoints
from saga.caller import Performer
from saga.calls import OpenCall, opened
from saga.database import CONFLICTS, Pool, queries
from saga.errors import CommandRefused, SagaError
from saga.exploring.scenario import Scenario
from saga.exploring.scene import Action, How, Scene
from saga.faultpoints import Point
from saga.messages import Call, wire_name
from saga.migrations import RUNTIME_TABLE, SERVICE_TABLE
from saga.participant import Participant
from saga.provisioning import DatabaseServer
from saga.service import Service
from saga.testing import enveloped

sql = queries(__file__)

SENDER = "explorer"


class Died(Exception):
    """The process, at a point at which the schedule has it die."""


class Failed(SagaError):
    """A handler raised what is no refusal: at a broker its message would park."""


@dataclass(frozen=True)
class Member:
    """A service at work. `pool` is what it takes its connections from, `beginning` the SQL that forgets everything."""

    service: Service
    pool: Pool
    beginning: str
    participant: Participant
    performers: Mapping[type[Call], Performer]

    async def act(self, action: Action, scene: Scene) -> bool:
        """Do it, well or not; False, if a transaction was in the way, and it has to be done again. Raises Failed."""
        try:
            if action.what in scene.calls:
                await self._perform(scene.calls[action.what], action.how)
            else:
                await self._handle(scene.messages[action.what], action.how)
        except CONFLICTS:
            return False
        except (Died, CommandRefused):
            return True
        except Exception as error:
            raise Failed(f"{action}, and fails: {type(error).__name__}: {error}") from error
        return True

    async def _handle(self, cause: Envelope[Message], how: How) -> None:
        step = self.service.step_for(type(cause.data))
        with dying_at(Point.HANDLED if how is How.DYING else None):
            await self.participant.handle(step, [cause])

    async def _perform(self, call: OpenCall, how: How) -> None:
        outcome = await self.performers[type(call.call)](call.call, call.id)
        if how is not How.FORGETTING:
            await self.participant.settle([(call, outcome)])

    async def take_said(self) -> list[Mapping[str, Any]]:
        """What has been committed to the outbox; it is gone from there."""
        return [from_json(row["body"]) for row in await self.pool.fetch(sql.take_said)]

    async def open_calls(self) -> list[OpenCall]:
        types = {call.__name__: call for call in self.service.settlements}
        return [opened(row, types) for row in await self.pool.fetch(sql.open_calls)]


class dying_at:  # noqa: N801 - reads like a function
    """Within the block, the process dies when it comes by this point."""

    def __init__(self, point: Point | None) -> None:
        self._point = point

    def __enter__(self) -> None:
        self._before = faultpoints.reach
        if self._point:
            faultpoints.reach = partial(_die, self._point)

    def __exit__(self, *_: object) -> None:
        faultpoints.reach = self._before


def _die(where: Point, point: Point) -> None:
    if point is where:
        raise Died


@dataclass(frozen=True)
class Company:
    """All of them; `types` are those of every event and command that they know, by their names."""

    members: Mapping[str, Member]
    types: Mapping[str, type[Message]]

    async def begin(self) -> None:
        """Nothing has happened yet."""
        for member in self.members.values():
            await member.pool.execute(member.beginning)

    def opening(self, said: Sequence[Message], faults: int, copies: int = 1) -> Scene:
        """The scene in which nothing has happened yet, and anything of this may: each fact under so many ids."""
        scene = Scene(faults=faults)
        for message in said:
            if isinstance(message, Event):
                ids = [f"{message.saga_id}/{wire_name(type(message))}/{copy}" for copy in range(copies)]
                scene = self._said(scene, [enveloped(message, identity, SENDER) for identity in ids])
            else:
                scene = self._asked(scene, message)
        return scene

    async def after(self, action: Action, scene: Scene) -> Scene:
        """Have the action happen; the scene that follows. Raises Failed."""
        member = self.members[action.service]
        done = await member.act(action, scene)
        return await self.following(member, scene.without(action) if done else scene)

    async def following(self, member: Member, scene: Scene) -> Scene:
        """The scene, with what the member has said and asked meanwhile."""
        said = [self._read(document) for document in await member.take_said()]
        return self._called(self._said(scene, said), member.service, await member.open_calls())

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
        (service,) = (
            m.service for m in self.members.values() if any(type(command) in s.hears for s in m.service.steps.values())
        )
        identity = f"{command.saga_id}/{type(command).__name__}"
        asked = self.members[service.name].participant.asked(command, "api", identity)
        name = f"{type(command).__name__} of {command.saga_id[-4:]}"
        messages = {**scene.messages, name: asked}
        return replace(scene, messages=messages, waiting=scene.waiting | {Action(service.name, name)})

    def _called(self, scene: Scene, service: Service, calls: Sequence[OpenCall]) -> Scene:
        others = {action for action in scene.waiting if action.service != service.name or action.what in scene.messages}
        ours = {f"{type(call.call).__name__} of {call.saga_id[-4:]} ({call.step})": call for call in calls}
        elsewhere = {name: call for name, call in scene.calls.items() if any(a.what == name for a in others)}
        waiting = others | {Action(service.name, name) for name in ours}
        return replace(scene, calls=elsewhere | ours, waiting=frozenset(waiting))

    def _read(self, document: Mapping[str, Any]) -> Envelope[Message]:
        data = self.types[document["type"]].model_validate_json(to_json(document["data"]))
        return envelopes_of(Message).validate_python({**document, "data": data})


def _without_number(name: str) -> str:
    return name.partition(" (")[0]


@asynccontextmanager
async def company(
    scenario: Scenario, postgres: str, pool: Callable[[str], AbstractAsyncContextManager[Any]]
) -> AsyncIterator[Company]:
    """The services, on fresh databases that are gone afterwards. `postgres` has a superuser's credentials; `pool` opens
    what a service takes its connections from, by its database's URL.
    """
    server, prefix = DatabaseServer(postgres), f"explore_{secrets.token_hex(4)}_"
    async with AsyncExitStack() as stack:
        members = {}
        for service in scenario.takes_part():
            name = prefix + service.name
            stack.push_async_callback(server.drop, name)
            for change in await server.changes(service, name, secrets.token_hex(16)):
                await change.apply()
            beginning = f"{await _emptying(server, name)}; {scenario.prepared.get(service.name, '')}"
            connections = await stack.enter_async_context(pool(server.url_of(name)))
            performers = scenario.outside[service.name](connections) if service.name in scenario.outside else {}
            members[service.name] = Member(
                service, connections, beginning, Participant(service, connections), performers
            )
        known = {message for m in members.values() for s in m.service.steps.values() for message in s.hears}
        known |= {message for m in members.values() for message in m.service.said}
        yield Company(members, {wire_name(message): message for message in known})


async def _emptying(server: DatabaseServer, name: str) -> str:
    """SQL that deletes all rows but those of migrations, whatever refers to whatever."""
    tables = await server.fetch(sql.tables, name, [RUNTIME_TABLE, SERVICE_TABLE])
    deletes = "; ".join(f"DELETE FROM {table}" for table in tables)  # noqa: S608 - of our own names
    return f"SET session_replication_role = replica; {deletes}; SET session_replication_role = origin"
