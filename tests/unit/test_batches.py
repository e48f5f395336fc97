"""A consumer takes what has arrived already, and never waits for a batch to fill."""

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest
from aio_pika.abc import AbstractIncomingMessage

from saga.consumer import _batch, _redeliveries


def message(**headers: object) -> AbstractIncomingMessage:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return cast(AbstractIncomingMessage, SimpleNamespace(headers=named))


FIRST, SECOND, THIRD = message(), message(), message()


def arrived(*messages: AbstractIncomingMessage | None) -> asyncio.Queue[AbstractIncomingMessage | None]:
    inbound: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()
    for one in messages:
        inbound.put_nowait(one)
    return inbound


def test_a_message_alone_is_a_batch() -> None:
    """It is handled at once."""
    assert _batch(FIRST, arrived(), 10) == [FIRST]


def test_what_is_there_is_taken_together_in_order() -> None:
    assert _batch(FIRST, arrived(SECOND, THIRD), 10) == [FIRST, SECOND, THIRD]


def test_no_more_is_taken_than_the_limit() -> None:
    """The rest stays for the next batch."""
    inbound = arrived(SECOND, THIRD)
    assert _batch(FIRST, inbound, 2) == [FIRST, SECOND]
    assert inbound.get_nowait() is THIRD


def test_what_came_before_the_end_of_the_session_is_still_handled() -> None:
    """And then the session is over."""
    inbound = arrived(SECOND, None)
    assert _batch(FIRST, inbound, 10) == [FIRST, SECOND]
    assert _batch(inbound.get_nowait(), inbound, 10) == []


@pytest.mark.parametrize(("header", "redeliveries"), [(0, 0), (3, 3), ("3", 0), (None, 0)])
def test_redeliveries_are_as_many_as_the_broker_counts(header: object, redeliveries: int) -> None:
    """What is no count is none."""
    assert _redeliveries(message(x_delivery_count=header)) == redeliveries
    assert _redeliveries(message()) == 0
