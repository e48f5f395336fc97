"""Run notification: python -m examples.subscription.notification."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from examples.subscription.notification.gateway import Send, SimulatedMail
from examples.subscription.notification.handlers import notification
from saga import Performers, Settings, open_pool, run


@asynccontextmanager
async def outside(settings: Settings) -> AsyncIterator[Performers]:
    """The outside world: it shares a database server with us, and no connection."""
    url = settings.database_url.get_secret_value()
    async with await open_pool(url, size=settings.pool_size, application="simulated mail") as books:
        yield {Send: SimulatedMail(books).send}


if __name__ == "__main__":
    run(notification, Settings.of("notification"), outside=outside)
