"""All services, as processes."""

from collections.abc import AsyncIterator

import pytest

from infra.local.servers import Servers
from infra.local.system import EVERYBODY, services
from saga.testing import stage
from saga.topology import PUBLISHER
from tests.conftest import administrators, deployed, in_vhost
from tests.saga.shop import Shop

FAULTS = {"PAYMENT_GATEWAY_TIMEOUT_RATE": "0.1", "SHIPPING_CARRIER_TIMEOUT_RATE": "0.1"}
"""A tenth of the gateway's and the carrier's answers get lost after they have acted."""
TOLD = FAULTS | {"OBSERVER_DEADLINE": "8s"}
"""An order that waits for so long is stuck: a test can wait for that."""


@pytest.fixture(scope="session")
async def shop(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    """One shop for all tests: each uses orders, and where counts matter skus, of its own."""
    async with deployed(servers, EVERYBODY) as deployment:
        url = in_vhost(servers.amqp, deployment.administrator.vhost)
        with services(deployment, tmp_path_factory.mktemp("shop"), TOLD) as processes:  # meanwhile nothing else runs
            async with stage(deployment, url) as on_stage:
                shop = Shop.open(deployment, processes, on_stage)
                yield shop
                await shop.http.aclose()


@pytest.fixture
def told(shop: Shop, servers: Servers) -> dict[str, str]:
    """The environment of an administrator of the shop."""
    return {
        **administrators(servers, shop.deployment.administrator.vhost, shop.deployment.prefix),
        "SAGA_PUBLISHER_AMQP_URL": shop.deployment.amqp_url(PUBLISHER),
        "SAGA_API_SECRET": shop.deployment.api_secret,
    }
