"""Run billing: python -m examples.subscription.billing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from examples.subscription.billing.gateway import Charge, Refund, SimulatedCards
from examples.subscription.billing.handlers import billing
from saga import Performers, Settings, open_pool, run


@asynccontextmanager
async def outside(settings: Settings) -> AsyncIterator[Performers]:
    """The outside world: it shares a database server with us, and no connection."""
    url = settings.database_url.get_secret_value()
    async with await open_pool(url, size=settings.pool_size, application="simulated cards") as books:
        yield {Charge: (cards := SimulatedCards(books)).charge, Refund: cards.refund}


if __name__ == "__main__":
    run(billing, Settings.of("billing"), outside=outside)
