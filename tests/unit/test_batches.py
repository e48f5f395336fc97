"""A consumer takes what has arrived already, and never waits for a batch to fill."""

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest
from aio_pika.abc import AbstractIncomingMessage

from saga.batches import Inbound, cohorts, redeliveries
from saga.topology import CRASH_LIMIT


def message(**headers: object) -> AbstractIncomingMessage:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return cast(AbstractIncomingMessage, SimpleNamespace(headers=named))


FIRST, SECOND, THIRD = message(), message(), message()


def inbound_of(*messages: AbstractIncomingMessage) -> Inbound[AbstractIncomingMessage]:
    inbound: Inbound[AbstractIncomingMessage] = Inbound()
    for one in messages:
        inbound.put(one)
    return inbound


def test_a_message_alone_is_a_batch() -> None:
    """It is handled at once."""
    assert inbound_of(FIRST).take(10) == [FIRST]


def test_what_is_there_is_taken_together_in_order() -> None:
    assert inbound_of(FIRST, SECOND, THIRD).take(10) == [FIRST, SECOND, THIRD]


def test_no_more_is_taken_than_the_limit() -> None:
    """The rest stays for the next batch."""
    inbound = inbound_of(FIRST, SECOND, THIRD)
    assert inbound.take(2) == [FIRST, SECOND]
    assert inbound.take(2) == [THIRD]


async def test_who_waits_is_woken_by_what_comes() -> None:
    inbound = inbound_of()
    waiting = asyncio.create_task(inbound.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    inbound.put(FIRST)
    await waiting
    assert inbound.take(10) == [FIRST]


async def test_what_came_before_the_end_of_the_session_is_still_handled() -> None:
    """And then the session is over, for whoever waits as well."""
    inbound = inbound_of(FIRST, SECOND)
    inbound.end()
    await inbound.wait()
    assert inbound.take(10) == [FIRST, SECOND]
    await inbound.wait()
    assert inbound.take(10) == []


@pytest.mark.parametrize(("header", "counted"), [(0, 0), (3, 3), ("3", 0), (None, 0)])
def test_redeliveries_are_as_many_as_the_broker_counts(header: object, counted: int) -> None:
    """What is no count is none."""
    assert redeliveries(message(x_delivery_count=header)) == counted
    assert redeliveries(message()) == 0


def redelivered(*times: int) -> list[AbstractIncomingMessage]:
    return [message(x_delivery_count=count) for count in times]


def sizes(*times: int) -> list[int]:
    return [len(cohort) for cohort in cohorts(redelivered(*times), most=200)]


def test_a_batch_is_handled_as_one() -> None:
    """Also after the process has died once: that happens, and most often it was no message's fault."""
    assert sizes(*[0] * 150, *[1] * 50) == [200]


@pytest.mark.parametrize(("count", "company"), [(2, 50), (3, 12), (4, 3), (5, 1), (49, 1)])
def test_the_oftener_redelivered_the_smaller_the_company(count: int, company: int) -> None:
    assert sizes(*[count] * 2 * company) == [company, company]


def test_those_that_arrived_later_are_handled_before_the_suspects() -> None:
    """Where there are suspects of two kinds, the worse one decides."""
    batch = redelivered(*[0] * 100, 2, 5, 2)
    first, *others = cohorts(batch, most=200)
    assert first == batch[:100]
    assert sorted(map(len, others)) in ([1, 1, 1], [1, 2])


def test_no_message_of_a_batch_is_forgotten() -> None:
    batch = redelivered(*range(60), *range(60))
    assert sorted(map(id, (one for cohort in cohorts(batch, most=200) for one in cohort))) == sorted(map(id, batch))


def test_only_the_culprit_is_delivered_too_often() -> None:
    """It takes the process down whenever it is handled; what is in memory with it is delivered again."""
    queue = [(number, 0) for number in range(1_000)]
    culprit = 300
    while (culprit, CRASH_LIMIT) not in queue:
        queue = after_one_more_death(queue, culprit, prefetch=400, most=200)
        assert [number for number, count in queue if count > CRASH_LIMIT - 10] in ([], [culprit])


def after_one_more_death(queue: list[tuple[int, int]], culprit: int, prefetch: int, most: int) -> list[tuple[int, int]]:
    """What waits, and how often it was delivered."""
    delivered = [(number, message(x_delivery_count=count)) for number, count in queue[:prefetch]]
    numbers = {id(one): number for number, one in delivered}
    handled: set[int] = set()
    for start in range(0, len(delivered), most):
        for cohort in cohorts([one for _, one in delivered[start : start + most]], most):
            members = {numbers[id(one)] for one in cohort}
            if culprit in members:
                again = [(number, count + 1) for number, count in queue[:prefetch] if number not in handled]
                return again + queue[prefetch:]
            handled |= members
    raise AssertionError("the culprit was not met")
