"""Waiting for work loses no call, and waiting out trouble has bounds."""

import asyncio
from contextlib import suppress
from itertools import islice

import pytest

from saga.waiting import Doorbell, Pace, backoffs


async def test_a_ring_wakes_the_sleeper() -> None:
    bell = Doorbell()
    sleeping = asyncio.create_task(bell.wait(10))
    await asyncio.sleep(0)
    bell.ring()
    async with asyncio.timeout(1):
        assert await sleeping


async def test_a_ring_before_the_sleep_is_not_lost() -> None:
    """Work that came while the last work was done is found at once, though nobody was asleep."""
    bell = Doorbell()
    bell.ring()
    bell.ring()
    assert await bell.wait(0)
    assert not await bell.wait(0), "many rings are one call"


async def test_without_a_ring_the_sleep_ends_by_itself() -> None:
    assert not await Doorbell().wait(0.001)


async def test_a_ring_that_comes_too_late_is_for_the_next_sleep() -> None:
    bell = Doorbell()
    assert not await bell.wait(0)
    bell.ring()
    assert await bell.wait(0)


@pytest.mark.parametrize(("worked", "rest"), [(0.01, 0.01), (0.05, 0.05), (3.0, 0.05)])
def test_a_rest_is_as_long_as_the_work_but_never_long(worked: float, rest: float) -> None:
    now = 100.0
    pace = Pace(lambda: now)
    assert pace.rest_left() == 0
    with pace.spell():
        now += worked
    assert pace.rest_left() == pytest.approx(rest)
    now += rest / 4
    assert pace.rest_left() == pytest.approx(rest * 3 / 4)
    now += rest
    assert pace.rest_left() == 0, "who comes later doesn't wait"


def test_work_that_failed_is_rested_from_as_well() -> None:
    now = 100.0
    pace = Pace(lambda: now)
    with suppress(ZeroDivisionError), pace.spell():
        now += 0.02
        raise ZeroDivisionError
    assert pace.rest_left() == pytest.approx(0.02)


@pytest.mark.parametrize(("first", "longest"), [(0.2, 10.0), (0.05, 0.4), (1.0, 1.0)])
def test_pauses_grow_and_stay_within_bounds(first: float, longest: float) -> None:
    """Never so short that they are no pause, and never beyond a ceiling that doubles until it is the longest."""
    for _ in range(20):
        pauses = list(islice(backoffs(first, longest), 20))
        ceilings = [min(first * 2**number, longest) for number in range(20)]
        assert all(first / 2 <= pause <= ceiling for pause, ceiling in zip(pauses, ceilings, strict=True))


def test_pauses_of_two_processes_differ() -> None:
    """Else all would come back at once."""
    assert list(islice(backoffs(), 20)) != list(islice(backoffs(), 20))
