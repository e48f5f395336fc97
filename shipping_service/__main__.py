"""Run shipping: python -m shipping_service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from saga import Performers, open_pool, run
from shipping_service.api import router
from shipping_service.gateway import Book, CancelBooking, Carrier, SimulatedCarrier
from shipping_service.handlers import shipping
from shipping_service.settings import ShippingSettings


@asynccontextmanager
async def simulated_carrier(settings: ShippingSettings) -> AsyncIterator[Performers]:
    """The outside world: it shares a database server with us, and no connection."""
    url = settings.database_url.get_secret_value()
    async with await open_pool(url, size=settings.pool_size, application="simulated carrier") as books:
        latency, timeout_rate = settings.carrier_latency.total_seconds(), settings.carrier_timeout_rate
        carrier: Carrier = SimulatedCarrier(books, latency, timeout_rate)
        yield {Book: carrier.book, CancelBooking: carrier.cancel}


if __name__ == "__main__":
    run(shipping, ShippingSettings, router, simulated_carrier)
