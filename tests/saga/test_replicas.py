"""Several processes of each service share its queue, its outbox, its calls and its clock."""

import random

import pytest

from infra.local.system import Services, services
from saga.testing import enveloped
from tests.saga.conftest import FAULTS
from tests.saga.shop import Shop, aside, order_for

ORDERS = 600
PAYMENT_METHODS = ("pm_card_visa", "pm_card_visa", "pm_card_visa", "pm_card_chargeDeclined")
COUNTRIES = ("GB", "GB", "GB", "GB", "AQ")


@pytest.mark.timeout(240)
async def test_two_replicas_of_each_service_keep_its_promises(
    shop: Shop, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Also when one of the two is killed with work in its hands: every message comes twice, and the books agree."""
    dice = random.Random(20261123)
    await shop.stock_up("SHARED", berlin=ORDERS // 3, leipzig=ORDERS // 3)
    orders = [
        order_for("SHARED", 1, payment_method=dice.choice(PAYMENT_METHODS), country=dice.choice(COUNTRIES))
        for _ in range(ORDERS)
    ]
    twice = [enveloped(order) for order in orders] * 2
    dice.shuffle(twice)
    async with aside(services(shop.deployment, tmp_path_factory.mktemp("second"), FAULTS)) as second:
        await shop.stage.say(*twice[:ORDERS])
        shared = [await _handled(shop, replica) for replica in (shop.services, second)]
        for name in second.ports:
            second.kill(name)
        await shop.stage.say(*twice[ORDERS:])
    await shop.settled()
    assert {(await shop.order(order.order_id))["status"] for order in orders} == {"fulfilled", "rejected"}
    assert all(min(handled.values()) > 0 for handled in shared), shared
    assert await shop.unbalanced() == []


async def _handled(shop: Shop, replica: Services) -> dict[str, float]:
    """How many messages each process of a replica has handled."""
    handled = {}
    for name in replica.ports:
        text = (await shop.http.get(f"{replica.url(name)}/metrics")).text
        counts = [
            line.rpartition(" ")[2] for line in text.splitlines() if line.startswith("saga_events_handled_total{")
        ]
        handled[name] = sum(map(float, counts))
    return handled
