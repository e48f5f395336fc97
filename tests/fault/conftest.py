"""What the faults are suffered by runs in processes of its own; here are those who cause them, and who look on."""

import asyncio
from collections.abc import Callable, Mapping


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The standard library's loop: on uvloop aio-pika, by which they listen, may not tell that a broker is gone."""
    return {"asyncio": asyncio.new_event_loop}
