"""What an operator may count on who starts the shop with `docker compose up`."""

import pytest

from tests.builders import line, order_placed
from tests.compose.shop import Shop
from tests.compose.stack import PATIENCE, SERVICES

pytestmark = pytest.mark.timeout(PATIENCE + 120)


async def test_an_order_pasted_into_the_management_ui_is_fulfilled_once(shop: Shop) -> None:
    """Bare JSON without any property is an order; pasted again, it is the same order."""
    before = await shop.reserved("CHAIR")
    order, next_one = order_placed(), order_placed(lines=[line("DESK")])

    await shop.paste(order)
    first = await shop.fulfilled(order.order_id)
    await shop.paste(order)
    await shop.paste(next_one)
    await shop.fulfilled(next_one.order_id)  # a queue is in order: what came before has been heard

    assert await shop.reserved("CHAIR") == before + 2
    assert await shop.fulfilled(order.order_id) == first


@pytest.mark.parametrize("server", ["rabbitmq", "postgres"])
async def test_services_outlive_a_restart_of_their_servers(shop: Shop, server: str) -> None:
    """They wait, without being started anew, and say that they are ready when they are."""
    shop.stack.compose("restart", server)
    await shop.ready()

    order = order_placed()
    await shop.paste(order)
    await shop.fulfilled(order.order_id)


async def test_a_shop_taken_down_comes_back_with_its_orders(shop: Shop) -> None:
    """Every service stops cleanly, provisioning again changes nothing, and the volumes keep the rest."""
    order = order_placed()
    await shop.paste(order)
    known = await shop.fulfilled(order.order_id)

    shop.stack.compose("stop")
    assert shop.stack.exit_codes() == dict.fromkeys(SERVICES, 0)
    shop.stack.compose("down")
    shop.stack.up()

    assert await shop.fulfilled(order.order_id) == known
