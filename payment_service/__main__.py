"""Run payment: python -m payment_service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from payment_service.api import router
from payment_service.gateway import Capture, PaymentGateway, Refund, SimulatedGateway
from payment_service.handlers import payment
from payment_service.settings import PaymentSettings
from saga import Performers, Pool, run


@asynccontextmanager
async def gateway(pool: Pool, settings: PaymentSettings) -> AsyncIterator[Performers]:
    gateway: PaymentGateway = SimulatedGateway(
        pool, settings.gateway_latency.total_seconds(), settings.gateway_timeout_rate
    )
    yield {Capture: gateway.capture, Refund: gateway.refund}


if __name__ == "__main__":
    run(payment, PaymentSettings, router, gateway)
