"""One service at work, without a broker: it does what a schedule has it do."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from events import Envelope, Message
from saga import clock, faultpoints, written
from saga.caller import Performer
from saga.calls import OpenCall, opened
from saga.database import CONFLICTS, Pool, queries, rolled_back
from saga.declarations import Alarm
from saga.errors import CommandRefused, SagaError
from saga.exploring.scene import Action, How, Scene
from saga.faultpoints import Point
from saga.messages import Call
from saga.participant import Participant
from saga.service import Service
from saga.settings import Settings

sql = queries(__file__)


class Died(Exception):
    """The process, at a point at which the schedule has it die."""


class Failed(SagaError):
    """A schedule goes on no further."""


class Accident(Failed):
    """A handler raised what is no refusal: at a broker its message would park."""

    def __init__(self, action: Action, error: Exception) -> None:
        super().__init__(f"{action}, and fails: {type(error).__name__}: {error}")


class Restless(Failed):
    """Always something follows, and the alarms ring for ever."""

    def __str__(self) -> str:
        return "it never comes to rest"


@dataclass(frozen=True)
class Member:
    """`pool` is what it takes its connections from, `beginning` the SQL that forgets everything.

    `settings` are those with which its alarms ring; without them, they don't.
    """

    service: Service
    pool: Pool
    beginning: str
    participant: Participant
    performers: Mapping[type[Call], Performer]
    settings: Settings | None

    async def act(self, action: Action, scene: Scene) -> bool:
        """Do it, well or not; False, if a transaction was in the way, and it has to be done again. Raises Failed."""
        try:
            if action.how is How.RINGING:
                await self._ring(action.what)
            elif action.what in scene.calls:
                await self._perform(scene.calls[action.what], action.how)
            else:
                await self._handle(scene.messages[action.what], action.how)
        except CONFLICTS:
            return False
        except Died:
            return True
        except Exception as error:
            if isinstance(error, CommandRefused) and action.how is not How.RINGING:
                return True
            raise Accident(action, error) from error
        return True

    async def due(self) -> set[Action]:
        """Those of its alarms that would change anything, if they rang now. Raises Failed."""
        if self.settings is None:
            return set()
        alarms = {Action(self.service.name, alarm.name, How.RINGING): alarm for alarm in self.service.alarms}
        return {action for action, alarm in alarms.items() if await self._would_change(action, alarm, self.settings)}

    async def _would_change(self, action: Action, alarm: Alarm, settings: Settings) -> bool:
        try:
            async with rolled_back(self.pool) as tx:
                before = await tx.fetchval(sql.rows_written)
                await clock.perform(self.participant, alarm, settings, tx)
                return bool(await tx.fetchval(sql.rows_written) > before)
        except Exception as error:
            raise Accident(action, error) from error

    async def _ring(self, name: str) -> None:
        if self.settings is not None:
            (alarm,) = (alarm for alarm in self.service.alarms if alarm.name == name)
            await clock.ring(self.participant, alarm, self.settings)

    async def _handle(self, cause: Envelope[Message], how: How) -> None:
        step = self.service.step_for(type(cause.data))
        with dying_at(Point.HANDLED if how is How.DYING else None):
            await self.participant.handle(step, [cause])

    async def _perform(self, call: OpenCall, how: How) -> None:
        outcome = await self.performers[type(call.call)](call.call, call.id)
        if how is not How.FORGETTING:
            await self.participant.settle([(call, outcome)])

    async def take_said(self) -> list[bytes]:
        """What has been committed to the outbox, envelopes in JSON; it is gone from there."""
        return [bytes(row["body"]) for row in await self.pool.fetch(sql.take_said)]

    async def open_calls(self) -> list[OpenCall]:
        types = written.by_name(self.service.settlements)
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
