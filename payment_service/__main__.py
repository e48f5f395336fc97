"""Run payment: python -m payment_service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from payment_service.api import router
from payment_service.gateway import Capture, PaymentGateway, Refund, SimulatedGateway
from payment_service.handlers import payment
from payment_service.settings import PaymentSettings
from saga import Performers, open_pool, run


@asynccontextmanager
async def simulated_gateway(settings: PaymentSettings) -> AsyncIterator[Performers]:
    """The outside world: it shares a database server with us, and no connection."""
    url = settings.database_url.get_secret_value()
    async with await open_pool(url, size=settings.pool_size, application="simulated payment gateway") as books:
        latency, timeout_rate = settings.gateway_latency.total_seconds(), settings.gateway_timeout_rate
        gateway: PaymentGateway = SimulatedGateway(books, latency, timeout_rate)
        yield {Capture: gateway.capture, Refund: gateway.refund}


if __name__ == "__main__":
    run(payment, PaymentSettings, router, simulated_gateway)
