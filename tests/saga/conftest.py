"""All four services, as processes."""

from collections.abc import AsyncIterator

import pytest

from infra.local.servers import Servers
from infra.local.system import SERVICES, services
from tests.conftest import on_stage
from tests.saga.shop import Shop

FAULTS = {"PAYMENT_GATEWAY_TIMEOUT_RATE": "0.1", "SHIPPING_CARRIER_TIMEOUT_RATE": "0.1"}
"""A tenth of the gateway's and the carrier's answers get lost after they have acted."""


@pytest.fixture(scope="session")
async def shop(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    """One shop for all tests: each uses orders, and where counts matter skus, of its own."""
    async with on_stage(servers, SERVICES) as (deployment, stage):
        with services(deployment, tmp_path_factory.mktemp("shop"), FAULTS) as processes:
            shop = Shop.open(deployment, processes, stage)
            yield shop
            await shop.http.aclose()
