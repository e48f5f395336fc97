"""What a service asks of itself as time goes by."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Sequence

import structlog

from events import Envelope, Message
from saga.database import CONFLICTS, sql, transaction
from saga.declarations import Alarm
from saga.errors import ServerAway, UndeclaredAnswer
from saga.messages import Command
from saga.participant import Participant, in_time
from saga.settings import Settings
from saga.waiting import backoffs

log = structlog.get_logger()


class Clock:
    """Calls each alarm of a service in its period, and has what it asks handled like anything asked at a door.

    It rings only while `caught_up`: an alarm judges by what was said, not by what is still unheard. An accident is
    logged, and the alarm rings again in its next period.
    """

    def __init__(self, participant: Participant, settings: Settings, caught_up: Callable[[], bool]) -> None:
        for alarm in participant.service.alarms:
            for command in alarm.asks:
                participant.service.step_for(command)  # raises ChoreographyError when nobody would answer
        self._participant = participant
        self._settings = settings
        self._caught_up = caught_up

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as ticking:
            for alarm in self._participant.service.alarms:
                ticking.create_task(self._repeat(alarm))

    async def _repeat(self, alarm: Alarm) -> None:
        """As long as there is something to be done, it rings again at once. Replicas don't ring in step."""
        failures = backoffs()
        while True:
            pause = alarm.period.total_seconds() * random.uniform(0.8, 1.2)  # noqa: S311 — no secret
            try:
                while self._caught_up() and await self._ring(alarm):
                    pass
                failures = backoffs()
            except ServerAway as error:
                pause = next(failures)
                log.warning("clock.waiting", alarm=alarm.name, cause=str(error), seconds=round(pause, 1))
            except CONFLICTS as error:
                log.info("alarm.gave_way", alarm=alarm.name, cause=str(error))
            except Exception:
                log.exception("alarm.failed", alarm=alarm.name)
            await asyncio.sleep(pause)

    async def _ring(self, alarm: Alarm) -> int:
        """How many commands were carried out: not those that had been before. All of them, or none."""
        async with transaction(self._participant.pool) as tx, in_time(alarm.name):
            await tx.execute(sql.give_way)
            commands = await alarm.handler(self._settings, tx) or ()
            causes = self._causes(alarm, commands)
            done = [
                await self._participant.perform(tx, self._participant.service.steps[name], asked)
                for name, asked in causes.items()
            ]
        for performed in done:
            self._participant.committed(performed)
        return sum(performed.entered for performed in done)

    def _causes(self, alarm: Alarm, commands: Sequence[Command]) -> dict[str, list[Envelope[Message]]]:
        """What was asked, by the step that answers it."""
        causes: defaultdict[str, list[Envelope[Message]]] = defaultdict(list)
        for command in commands:
            if type(command) not in alarm.asks:
                raise UndeclaredAnswer(alarm.name, type(command).__name__)
            step = self._participant.service.step_for(type(command))
            causes[step.name].append(self._participant.asked(command, "clock"))
        return causes
