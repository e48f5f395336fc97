"""Run shipping: python -m shipping_service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from saga import Performers, Pool, run
from shipping_service.api import router
from shipping_service.gateway import Book, CancelBooking, Carrier, SimulatedCarrier
from shipping_service.handlers import shipping
from shipping_service.settings import ShippingSettings


@asynccontextmanager
async def carrier(pool: Pool, settings: ShippingSettings) -> AsyncIterator[Performers]:
    carrier: Carrier = SimulatedCarrier(pool, settings.carrier_latency.total_seconds(), settings.carrier_timeout_rate)
    yield {Book: carrier.book, CancelBooking: carrier.cancel}


if __name__ == "__main__":
    run(shipping, ShippingSettings, router, carrier)
