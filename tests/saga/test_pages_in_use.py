"""The observer's pages, as somebody uses them who has to find out at night what is wrong."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from aio_pika import Message
from playwright.async_api import Browser, Locator, Page, expect

from events import CONTENT_TYPE, OrderPlaced
from observer_service.live import EVERY, Live
from observer_service.story import State
from observer_service.views import Parked, View
from saga import Tx, open_pool, transaction
from saga.testing import enveloped, eventually
from saga.tokens import mint_token
from tests.browser import in_a_browser, opened
from tests.saga.shop import Shop, order_for
from tests.saga.test_observer import stands


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with opened() as browser:
        yield browser


@dataclass
class Visit:
    """Somebody who is logged in; what their browser complains of, and whom it asks besides the observer."""

    page: Page
    complaints: list[str]


@pytest.fixture
async def visit(browser: Browser, shop: Shop) -> AsyncIterator[Visit]:
    url = shop.services.url("observer")
    context = await browser.new_context(base_url=url, viewport={"width": 1280, "height": 900})
    page = await context.new_page()
    visit = Visit(page, [])
    page.on("console", lambda said: visit.complaints.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(url) else visit.complaints.append(asked.url))
    await page.goto(f"/ui/login#token={mint_token(shop.deployment.api_secret, 'ada', timedelta(hours=1))}")
    await page.wait_for_url("**/ui/")
    yield visit
    await context.close()
    assert visit.complaints == []


@pytest.fixture
def page(visit: Visit) -> Page:
    return visit.page


async def undone(shop: Shop) -> UUID:
    """An order that went to Antarctica, and was wholly undone."""
    placed = order_for(country="AQ")
    await shop.publish(placed)
    await stands(shop, placed.order_id, State.COMPENSATED)
    return placed.order_id


async def fulfilled(shop: Shop) -> UUID:
    placed = order_for()
    await shop.publish(placed)
    await stands(shop, placed.order_id, State.SUCCEEDED)
    return placed.order_id


async def garbled(shop: Shop) -> OrderPlaced:
    """An order that nobody can make sense of: it parks at once."""
    placed = order_for()
    told = enveloped(placed)
    body = told.encode().replace(b'"quantity":2', b'"quantity":0')
    await shop.stage.say_raw("orders", told.type, Message(body, content_type=CONTENT_TYPE, message_id=told.id))
    await stands(shop, placed.order_id, State.STUCK)
    return placed


async def letter_of(shop: Shop, placed: OrderPlaced) -> str:
    """The id of the letter that inventory has of it, which is also that of the order service's."""
    letters: Any = await shop.get("inventory", "/dead")
    (letter,) = [one for one in letters if one["saga_id"] == str(placed.order_id)]
    return str(letter["id"])


async def throw_away(shop: Shop, placed: OrderPlaced) -> None:
    """No letter of it is left, for tests that look at all there are."""
    letter = await letter_of(shop, placed)
    for service in ("inventory", "order"):
        done = await shop.post(service, f"/dead/{letter}/discard", {"reason": "a test"})
        assert done.is_success


@in_a_browser
async def test_the_link_with_a_token_leaves_no_trace_of_it(page: Page) -> None:
    """Neither in the address bar, nor where a script could read it, nor when going back."""
    assert await page.evaluate("location.hash + document.cookie") == ""
    (kept,) = await page.context.cookies()
    assert (kept["httpOnly"], kept["sameSite"], kept["path"]) == (True, "Strict", "/")
    await page.go_back()
    assert "token" not in page.url


@in_a_browser
async def test_the_overview_counts_as_orders_are_placed(page: Page, shop: Shop) -> None:
    """Without being loaded again. The events flow through the picture, each at its rate."""
    await page.evaluate("window.loaded = 'once'")
    before = await _number(page, "refused")
    for _ in range(3):
        await shop.publish(order_for(sku="SOFA"))
    await eventually(lambda: _has_counted(page, "refused", before + 3), within=20)
    rejected = page.locator("#flow .mark", has_text="rejected").filter(has_text="stock")
    await expect(rejected.locator(".rate")).to_have_text(re.compile(r"^\d+(\.\d)?/s$"), timeout=10_000)
    assert await page.evaluate("window.loaded") == "once"
    await expect(page.locator("#liveness")).to_have_text("live")


async def _number(page: Page, state: str) -> int:
    return int((await page.locator(f"#states .is-{state} .number").inner_text()).replace(",", ""))


async def _has_counted(page: Page, state: str, number: int) -> bool:
    return await _number(page, state) >= number


@in_a_browser
async def test_the_picture_tells_who_waits_for_a_service_that_is_away(page: Page, shop: Shop) -> None:
    """How many, and since when; when it is back, nobody waits any more. Undoing is drawn otherwise, and the pivot."""
    shop.services.stop("shipping")
    orders = [order_for() for _ in range(2)]
    for placed in orders:
        await shop.publish(placed)
    box = page.locator("#flow a[aria-label^='shipping.schedule_shipment']")
    await expect(box).to_have_attribute("aria-label", re.compile(r"2 wait, the oldest for \d+ s"), timeout=20_000)
    shop.services.start("shipping")
    await expect(box).to_have_attribute("aria-label", re.compile("nobody waits"), timeout=30_000)
    for step, dashed, wide in (("refund_payment", True, False), ("dispatch_shipment", False, True)):
        frame = page.locator(f"#flow a[aria-label*='.{step}'] .frame")
        style = await frame.evaluate("element => ({...getComputedStyle(element)})")
        assert (style["strokeDasharray"] != "none", float(style["strokeWidth"][:-2]) > 3) == (dashed, wide), step


@in_a_browser
async def test_a_story_leads_from_each_event_to_its_cause_and_to_what_it_undoes(page: Page, shop: Shop) -> None:
    await page.goto(f"/ui/sagas/{await undone(shop)}")
    types = await page.locator("#timeline .entry .type").all_inner_texts()
    assert types == [
        "order.placed",
        "stock.reserved",
        "payment.captured",
        "shipment.rejected",
        "payment.refunded",
        "stock.released",
    ]
    causes = [await _leads_to(page, entry.locator(".by a")) for entry in await page.locator(".entry").all()]
    assert causes == [None, *types[:-1]]
    undoes = [await _leads_to(page, entry.locator(".tag.undoes a")) for entry in await page.locator(".entry").all()]
    assert undoes == [None, None, None, None, "payment.captured", "stock.reserved"]
    assert await page.locator(".bracket").count() == 2
    await expect(page.locator(".entry", has_text="shipment.rejected").first).to_contain_text("refused")
    hops = await page.locator(".when span.hop").all_inner_texts()
    assert all(re.match(r"\+(<1|\d+) ms|\+\d\.\d s", hop) for hop in hops), hops


async def _leads_to(page: Page, link: Locator) -> str | None:
    if not await link.count():
        return None
    target = await link.get_attribute("href")
    return await page.locator(f"{target} .type").inner_text()


@in_a_browser
async def test_what_is_unfolded_and_focused_stays_while_the_story_goes_on(page: Page, shop: Shop) -> None:
    """A page that is renewed under somebody's hands is of no use."""
    order_id = await fulfilled(shop)
    await page.goto(f"/ui/sagas/{order_id}")
    await page.locator("summary").first.click()
    await expect(page.locator("pre").first).to_contain_text("CHAIR")
    await expect(page.locator("pre").first).to_contain_text("•••")
    await page.locator("summary").nth(1).focus()
    await shop.post("shipping", f"/shipments/{order_id}/dispatch")
    await expect(page.locator("#timeline")).to_contain_text("stock.deducted", timeout=20_000)
    assert await page.locator("details[open]").count() == 1
    assert await page.evaluate("document.activeElement === document.querySelectorAll('summary')[1]")
    await expect(page.locator(".entry.pivot")).to_contain_text("shipment.dispatched")


@in_a_browser
async def test_what_strangers_say_is_text_and_nothing_else(page: Page, shop: Shop) -> None:
    """An id, a source and a type with a script in them are shown as they are, and do nothing."""
    script = f"<script>window.hacked=1</script><img src=x onerror=hacked=1>{uuid4()}"
    event_type = f"order.<b>{uuid4().hex}</b>.v1"
    told = {"specversion": "1.0", "id": script, "source": script, "type": event_type, "subject": script}
    body = json.dumps(told | {"time": datetime.now(UTC).isoformat(), "data": {script: script}}).encode()
    # As it comes from the topic exchange, if nobody hears it: but the stage hears everything.
    await shop.stage.say_raw("unrouted", event_type, Message(body, content_type=CONTENT_TYPE))
    row = page.locator("#sagas tbody tr", has_text=script)
    await page.goto("/ui/sagas")
    await row.get_by_role("link").click(timeout=20_000)
    await expect(page.locator("h1")).to_contain_text(script)
    await expect(page.locator(".entry .type")).to_have_text(event_type.removesuffix(".v1"))
    assert await page.evaluate("window.hacked") is None
    assert await page.locator("main script, main img, main b").count() == 0


@in_a_browser
async def test_everything_is_reached_without_a_mouse(page: Page, shop: Shop) -> None:
    """And it is seen where one is."""
    order_id = str(await fulfilled(shop))
    await page.goto("/ui/sagas")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.textContent") == "Skip to the content"
    await page.keyboard.press("Enter")
    await _tab_to(page, "input[name=begins_with]")
    assert await page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    await page.keyboard.type(order_id)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/ui/sagas?begins_with={order_id}**")
    await _tab_to(page, "tbody a")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/ui/sagas/{order_id}")
    await _tab_to(page, "summary")
    await page.keyboard.press("Enter")
    await expect(page.locator("pre").first).to_be_visible()


async def _tab_to(page: Page, selector: str) -> None:
    for _ in range(30):
        await page.keyboard.press("Tab")
        if await page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"no Tab leads to {selector}")


@in_a_browser
async def test_who_prefers_the_dark_has_it_wherever_they_go(page: Page) -> None:
    """The button decides, and else the system."""
    ground = "getComputedStyle(document.body).backgroundColor"
    light = await page.evaluate(ground)
    await page.get_by_role("button", name="Switch between light and dark").click()
    dark = await page.evaluate(ground)
    assert dark != light
    await page.goto("/ui/sagas")
    assert await page.evaluate(ground) == dark
    await page.evaluate("localStorage.clear()")
    await page.emulate_media(color_scheme="dark")
    await page.reload()
    assert await page.evaluate(ground) == dark


@in_a_browser
async def test_nothing_moves_for_who_wants_no_motion(page: Page, shop: Shop) -> None:
    await page.emulate_media(reduced_motion="reduce")
    await shop.publish(order_for())
    await expect(page.locator("#flow .line.busy").first).to_be_attached(timeout=20_000)
    assert await page.evaluate("document.getAnimations().length") == 0
    await page.emulate_media(reduced_motion="no-preference")
    assert await page.evaluate("document.getAnimations().length") > 0


@in_a_browser
async def test_a_page_that_is_no_longer_live_says_so_until_it_is_again(visit: Visit, shop: Shop) -> None:
    """It comes back by itself, and shows what has happened meanwhile."""
    page = visit.page
    await expect(page.locator("#liveness")).to_have_text("live")
    before = await _number(page, "refused")
    shop.services.kill("observer")
    await expect(page.locator("#liveness")).to_have_text(re.compile(r"not live since \d\d:\d\d:\d\d"), timeout=20_000)
    await shop.publish(order_for(sku="SOFA"))
    shop.services.start("observer")
    await expect(page.locator("#liveness")).to_have_text("live", timeout=40_000)
    await eventually(lambda: _has_counted(page, "refused", before + 1), within=30)
    assert all("ERR_" in told for told in visit.complaints), visit.complaints
    visit.complaints.clear()


@in_a_browser
async def test_a_letter_is_refused_and_discarded_for_a_reason(page: Page, shop: Shop) -> None:
    """By the step's service, whose letter it is; the listener's copy is thrown away. Then the order has ended."""
    placed = await garbled(shop)
    await page.goto("/ui/")
    await expect(page.locator("#headline")).to_contain_text("stuck", timeout=10_000)
    await page.goto(f"/ui/sagas/{placed.order_id}")
    await expect(page.locator("#timeline .is-parked")).to_have_count(2)
    await page.get_by_role("link", name="its dead letter").click()
    for service, deed, told in (("inventory", "Refuse", "was refused"), ("order", "Discard", "thrown away")):
        section = page.locator(f"section[aria-labelledby=of-{service}]")
        letter = section.locator(".letter", has_text=str(placed.order_id))
        await letter.locator("summary", has_text=deed).click()
        await letter.locator("details[open]").get_by_label("Reason").fill("a_test")
        await letter.get_by_role("button", name=f"{deed} it").click()
        await expect(page.locator(".notice")).to_contain_text(told)
        await expect(section.locator(".letter", has_text=str(placed.order_id))).to_have_count(0)
    await stands(shop, placed.order_id, State.REFUSED)


@in_a_browser
async def test_a_service_that_does_not_answer_hides_no_other(page: Page, shop: Shop) -> None:
    placed = await garbled(shop)
    shop.services.stop("shipping")
    await page.goto("/ui/dead")
    await expect(page.locator("section[aria-labelledby=of-shipping]")).to_contain_text("shipping does not answer")
    await expect(page.locator("section[aria-labelledby=of-inventory]")).to_contain_text(str(placed.order_id))
    shop.services.start("shipping")
    await asyncio.to_thread(shop.services.wait, "shipping")
    await throw_away(shop, placed)


async def test_who_is_not_told_where_the_services_are_is_told_the_commands(shop: Shop) -> None:
    """Each letter as the observer has heard of it, until it is settled."""
    placed = await garbled(shop)
    pool = await open_pool(shop.deployment.database_url("observer"), size=1, application="test")

    async def shown() -> str:
        async with transaction(pool) as tx:
            return (await Parked(is_own_list=True).fragments(tx))["parked"]

    command = f"saga dead replay {await letter_of(shop, placed)} --service inventory"
    await eventually(lambda: _contains(shown(), command))
    await throw_away(shop, placed)
    await stands(shop, placed.order_id, State.REFUSED)
    assert str(placed.order_id) not in await shown()
    await pool.close()


async def _contains(shown: Awaitable[str], words: str) -> bool:
    return words in await shown


class Counted(View):
    """Counts how often it is looked at."""

    page = ""
    parts = ()

    def __init__(self) -> None:
        self.looks = 0

    async def look(self, tx: Tx) -> dict[str, Any]:  # noqa: ARG002 — as views are asked
        return {}

    async def fragments(self, tx: Tx) -> dict[str, str]:  # noqa: ARG002 — see above
        self.looks += 1
        return {"still": "the same", "counted": str(self.looks)}


async def test_all_who_look_at_the_same_look_together_and_nobody_looks_for_nobody(shop: Shop) -> None:
    """Once a second for ten pages; each hears at first all of it, and then what has changed."""
    view, live, stopping = Counted(), Live(), asyncio.Event()
    pool = await open_pool(shop.deployment.database_url("observer"), size=2, application="test")
    until = datetime.now(UTC) + timedelta(hours=1)

    async def watched() -> list[dict[str, str]]:
        heard = []
        async with aclosing(live.watch(view, pool, stopping, until)) as news:
            async for changed in news:
                heard.append(changed)
                if len(heard) == 3:
                    break
        return heard

    heard = await asyncio.gather(*(watched() for _ in range(10)))
    assert all(one[0].keys() == {"still", "counted"} and [*one[1]] == [*one[2]] == ["counted"] for one in heard)
    looks = view.looks
    assert looks <= 4
    await asyncio.sleep(2 * EVERY)  # there is nothing to wait for: that is what is promised
    assert view.looks <= looks + 1
    await pool.close()


async def test_what_is_live_ends_with_the_service_and_with_the_token(shop: Shop) -> None:
    """Else a stop would wait for whoever looks, and who was let in once would be let in for ever."""
    pool = await open_pool(shop.deployment.database_url("observer"), size=2, application="test")
    stopping = asyncio.Event()
    asyncio.get_running_loop().call_later(0.2, stopping.set)
    for until in (timedelta(hours=1), timedelta(seconds=0.2)):
        async with asyncio.timeout(5):
            watching = Live().watch(Counted(), pool, stopping, datetime.now(UTC) + until)
            heard = [changed async for changed in watching]
        assert len(heard) <= 2
        stopping = asyncio.Event()
    await pool.close()
