"""The observer's pages, in a real browser."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from observer_service.story import State
from saga.testing import eventually
from saga.tokens import mint_token
from tests.browser import DESK, PHONE, WCAG, in_a_browser, opened
from tests.saga.shop import Shop, order_for
from tests.saga.test_observer import stands

pytestmark = [in_a_browser, pytest.mark.usefixtures("shop")]


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with opened() as browser:
        yield browser


@pytest.fixture
async def page(browser: Browser, shop: Shop) -> AsyncIterator[Page]:
    """Somebody who is logged in; whatever the page complains of, or asks of others, fails the test."""
    url = shop.services.url("observer")
    context = await browser.new_context(base_url=url, viewport=DESK)  # type: ignore[arg-type] # it has both sizes
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith((url, "data:")) else complaints.append(asked.url))
    token = mint_token(shop.deployment.api_secret, "ada", timedelta(hours=1))
    await page.goto(f"/ui/login#token={token}")
    await page.wait_for_url("**/ui/")
    yield page
    await context.close()
    assert complaints == []


async def test_nobody_sees_anything_without_a_token(browser: Browser, shop: Shop) -> None:
    """They are sent to the login, and from there, with a token, to where they wanted to go."""
    context = await browser.new_context(base_url=shop.services.url("observer"))
    page = await context.new_page()
    await page.goto("/ui/sagas?state=stuck")
    assert "/ui/login" in page.url
    await page.locator("input[name=token], textarea[name=token]").fill("junk")
    await page.locator("form button").first.click()
    await expect(page.locator("body")).to_contain_text("not valid")
    token = mint_token(shop.deployment.api_secret, "ada", timedelta(hours=1))
    await page.locator("input[name=token], textarea[name=token]").fill(token)
    await page.locator("form button").first.click()
    await page.wait_for_url("**/ui/sagas?state=stuck")
    await context.close()


async def test_orders_appear_in_the_list_as_they_are_placed_each_in_its_state(page: Page, shop: Shop) -> None:
    """Without being asked for again."""
    await page.goto("/ui/sagas")
    states = {"succeeded": order_for(), "compensated": order_for(country="AQ"), "refused": order_for(sku="SOFA")}
    for placed in states.values():
        await shop.publish(placed)
    for state, placed in states.items():
        row = page.locator("tr", has_text=str(placed.order_id)[-12:])
        await expect(row).to_contain_text(state, timeout=20_000, ignore_case=True)


async def test_a_story_grows_while_it_is_looked_at(page: Page, shop: Shop) -> None:
    """As long as payment stands still the page tells for what the order waits; then it goes on by itself."""
    shop.services.stop("payment")
    placed = order_for(country="AQ")
    await shop.publish(placed)
    await eventually(lambda: _is_known(shop, placed.order_id))
    await page.goto(f"/ui/sagas/{placed.order_id}")
    await expect(page.locator("main")).to_contain_text("capture_payment")
    shop.services.start("payment")
    await expect(page.locator("#standing")).to_contain_text("compensated", timeout=30_000, ignore_case=True)
    text = await page.locator("#timeline").inner_text()
    order = ["order.placed", "stock.reserved", "payment.captured", "shipment.rejected", "payment.refunded"]
    places = [text.index(name) for name in [*order, "stock.released"]]
    assert places == sorted(places)
    assert placed.ship_to.name not in await page.content()


async def _is_known(shop: Shop, order_id: object) -> bool:
    return bool((await shop.get("observer", f"/sagas/{order_id}")).get("remaining") == ["payment.capture_payment"])


async def test_a_saga_is_found_by_the_beginning_of_its_id_and_by_its_state(page: Page, shop: Shop) -> None:
    placed = order_for(sku="SOFA")
    await shop.publish(placed)
    await stands(shop, placed.order_id, State.REFUSED)
    await page.goto(f"/ui/sagas?begins_with={str(placed.order_id)[:30]}")
    await expect(page.locator("#sagas tbody tr")).to_have_count(1)
    await page.goto(f"/ui/sagas?begins_with={str(placed.order_id)[:30]}&state=succeeded")
    await expect(page.locator("#sagas tbody tr", has_text=str(placed.order_id)[-12:])).to_have_count(0)


async def test_a_dead_letter_is_replayed_by_a_click(page: Page, shop: Shop) -> None:
    placed = order_for()
    await shop.ask(
        "payment",
        "INSERT INTO payment (order_id, payment_id, status, amount, currency) VALUES ($1, 'x', 'pending', 1, 'EUR')",
        placed.order_id,
    )
    await shop.publish(placed)
    await stands(shop, placed.order_id, State.STUCK)
    await shop.ask("payment", "DELETE FROM payment WHERE order_id = $1", placed.order_id)
    await page.goto("/ui/dead")
    letter = page.locator("li, tr, article", has_text=str(placed.order_id)).last
    await letter.get_by_role("button", name="Replay").first.click()
    await expect(page.locator("body")).to_contain_text("given back")
    await stands(shop, placed.order_id, State.SUCCEEDED)


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_everybody_can_use_the_pages(page: Page, shop: Shop, scheme: Any, size: Any) -> None:
    """By the rules that axe knows (WCAG 2.1 A and AA), and without scrolling sideways but in the picture."""
    await page.emulate_media(color_scheme=scheme)
    await page.set_viewport_size(size)
    placed = order_for(country="AQ")
    await shop.publish(placed)
    await stands(shop, placed.order_id, State.COMPENSATED)
    for path in ("/ui/", "/ui/sagas", f"/ui/sagas/{placed.order_id}", "/ui/dead"):
        await page.goto(path)
        found = await Axe().run(page, options=WCAG)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
