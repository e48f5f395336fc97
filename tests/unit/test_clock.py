"""What an alarm may ask is declared, as everything is that follows from a handler."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import cast

import pytest

from events import AboutOrder, OrderCancelled
from saga import Command, Pool, Service, Settings, Tx, clock
from saga.clock import Clock, causes
from saga.errors import ChoreographyError, UndeclaredAnswer
from saga.participant import Participant
from tests.builders import order_cancelled

PERIOD = timedelta(seconds=1)


class Wake(AboutOrder, Command):
    pass


class Sleep(AboutOrder, Command):
    pass


async def ring(_: Settings, __: Tx) -> Sequence[Wake]: ...  # type: ignore[empty-body] # only its annotations matter


async def shout(_: Settings, __: Tx) -> Sequence[OrderCancelled]: ...  # type: ignore[empty-body] # see above


async def wake(_: Wake, __: Tx) -> OrderCancelled: ...  # type: ignore[empty-body] # see above


def participant(service: Service) -> Participant:
    return Participant(service, cast(Pool, None))


def test_an_alarm_asks_commands() -> None:
    """What is said follows from a step, never from a clock."""
    with pytest.raises(ChoreographyError, match="shout may return commands or None"):
        Service("toys").every(PERIOD)(shout)


def test_what_an_alarm_asks_somebody_must_answer() -> None:
    """Else the service doesn't start."""
    toys = Service("toys")
    toys.every(PERIOD)(ring)
    with pytest.raises(ChoreographyError, match="toys has no handler for Wake"):
        Clock(participant(toys), cast(Settings, None), lambda: True)


async def test_an_alarm_of_a_long_period_rings_as_soon_as_all_has_been_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that lives for less than a day would never ring what rings daily."""
    monkeypatch.setattr(clock, "_UNHEARD", 0.01)
    rung = asyncio.Event()

    async def ring_it(*_: object) -> int:
        rung.set()
        return 0

    monkeypatch.setattr(clock, "ring", ring_it)
    toys = Service("toys")
    toys.on(Wake)(wake)
    toys.every(timedelta(days=1))(ring)
    looks = iter((False, False, False, False))
    running = asyncio.create_task(Clock(participant(toys), cast(Settings, None), lambda: next(looks, True)).run())
    async with asyncio.timeout(5):
        await rung.wait()
    running.cancel()


def test_what_is_asked_goes_to_the_steps_that_answer_it() -> None:
    """In order; what was not declared is an accident."""
    toys = Service("toys")
    toys.on(Wake)(wake)
    toys.every(PERIOD)(ring)
    asked = [Wake(order_id=order_cancelled().order_id) for _ in range(3)]
    told = causes(participant(toys), toys.alarms[0], asked)
    assert {name: [cause.data for cause in of] for name, of in told.items()} == {"wake": asked}
    assert {cause.source for cause in told["wake"]} == {"toys/clock"}
    with pytest.raises(UndeclaredAnswer):
        causes(participant(toys), toys.alarms[0], [Sleep(order_id=asked[0].order_id)])
