"""A relay that nobody lets work goes on trying."""

import asyncio
from typing import cast

import pytest

from saga import Pool
from saga.errors import BrokerAway
from saga.relay import Relay


@pytest.mark.parametrize("trouble", [TimeoutError(), BrokerAway("gone")])
async def test_whoever_stands_still_is_waited_for(monkeypatch: pytest.MonkeyPatch, trouble: Exception) -> None:
    """A statement that isn't answered in time is no reason to end the process."""
    tried, twice = 0, asyncio.Event()

    async def publish() -> int:
        nonlocal tried
        tried += 1
        if tried == 1:
            raise trouble
        twice.set()
        return 0

    async def nothing() -> None:
        """The broker lets us in."""

    relay = Relay("toy", cast(Pool, None), "amqp://toy@host/", archives=False)
    monkeypatch.setattr(relay, "publish_window", publish)
    monkeypatch.setattr(relay.publisher, "open", nothing)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(relay.run())
        async with asyncio.timeout(5):
            await twice.wait()
        await relay.stop()
