"""What a service asks of itself as time goes by."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Sequence

import structlog

from events import Envelope, Message
from saga.database import CONFLICTS, Tx, sql, transaction
from saga.declarations import Alarm
from saga.errors import ServerAway, UndeclaredAnswer
from saga.messages import Command
from saga.participant import Participant, Performed, in_time
from saga.settings import Settings
from saga.waiting import backoffs

log = structlog.get_logger()

_UNHEARD = 1.0
"""Seconds between looks whether all has been heard: then an alarm rings, however long its period is."""


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
            if not self._caught_up():
                pause = min(pause, _UNHEARD)
            try:
                while self._caught_up() and await ring(self._participant, alarm, self._settings):
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


async def ring(participant: Participant, alarm: Alarm, settings: Settings) -> int:
    """How many commands were carried out: not those that had been before. All of them, or none."""
    async with transaction(participant.pool) as tx, in_time(alarm.name):
        done = await perform(participant, alarm, settings, tx)
    for performed in done:
        participant.committed(performed)
    return sum(performed.entered for performed in done)


async def perform(participant: Participant, alarm: Alarm, settings: Settings, tx: Tx) -> list[Performed]:
    """All that an alarm does, in a transaction that is the caller's to commit, or not to."""
    await tx.execute(sql.give_way)
    commands = await alarm.handler(settings, tx) or ()
    asked = causes(participant, alarm, commands)
    return [await participant.perform(tx, participant.service.steps[name], of) for name, of in asked.items()]


def causes(participant: Participant, alarm: Alarm, commands: Sequence[Command]) -> dict[str, list[Envelope[Message]]]:
    """What was asked, by the step that answers it."""
    asked: defaultdict[str, list[Envelope[Message]]] = defaultdict(list)
    for command in commands:
        if type(command) not in alarm.asks:
            raise UndeclaredAnswer(alarm.name, type(command).__name__)
        step = participant.service.step_for(type(command))
        asked[step.name].append(participant.asked(command, "clock"))
    return asked
