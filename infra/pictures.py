"""Take the pictures of the observer's pages that stand in the docs: `python -m infra.pictures`.

It needs a chromium. Its fonts are those of this machine: Inter and JetBrains Mono, if they are there.
"""

import asyncio
import io
import shutil
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from typing import Literal

import aio_pika
import httpx
import uuid_utils.compat as uuid
from PIL import Image
from playwright.async_api import Browser, async_playwright
from rich.console import Console

from events import CONTENT_TYPE
from infra.demo.__main__ import FAULTS, play
from infra.demo.doors import Door, Doors
from infra.demo.stories import Story, stories
from infra.local.system import System, system
from saga.testing import enveloped

RUN = Path(".run/pictures")
FOLDER = Path(__file__).parents[1] / "docs/pictures"
COLOURS = 256
"""In a palette, at most."""
BUSY = 8.0
"""Seconds of orders that all services take part in …"""
AWAY = 4.0
"""… and without the carrier, before the first picture."""


@dataclass(frozen=True)
class Picture:
    """A page as it is seen at a width, in light or in the dark. Without a height, all of it."""

    name: str
    path: str
    width: int = 1280
    height: int | None = None
    scheme: Literal["light", "dark"] = "light"
    sharpness: float = 1.5


def main() -> int:
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("pictures: there is no chromium here")
    with system(RUN, overrides=FAULTS) as running:
        for path in asyncio.run(taken(running, chromium)):
            print(path)
    return 0


async def taken(running: System, chromium: str) -> list[Path]:
    """They show a few dozen orders that have ended, one that parked, and some that wait for a carrier who is away."""
    await play(running.endpoints, Console(quiet=True))
    async with Doors(running.endpoints) as doors, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        customers = asyncio.create_task(_order(doors))
        await _garble(running.endpoints["amqp_publisher"], next(stories()))
        await asyncio.sleep(BUSY)
        running.services.stop("shipping")
        await asyncio.sleep(AWAY)
        told = [await _taken(browser, running.endpoints, picture) async for picture in _pictures(running.endpoints)]
        customers.cancel()
        await browser.close()
    return told


async def _order(doors: Doors) -> None:
    """Orders of every kind, one after the other; some are cancelled."""
    for number, story in enumerate(chain.from_iterable(repeat(list(stories())))):
        order = story.order.model_copy(update={"order_id": uuid.uuid7()})
        await doors.place(order, Door.REST)
        if number % 7 == 0:
            await doors.cancel(order.order_id, "changed my mind", Door.REST)
        await asyncio.sleep(0.15)


async def _garble(amqp_url: str, story: Story) -> None:
    """An order that nobody can make sense of."""
    told = enveloped(story.order)
    body = told.encode().replace(b'"quantity":2', b'"quantity":0')
    async with await aio_pika.connect(amqp_url) as connection:
        orders = await (await connection.channel()).get_exchange("orders", ensure=False)
        await orders.publish(aio_pika.Message(body, content_type=CONTENT_TYPE, message_id=told.id), told.type)


async def _pictures(endpoints: Mapping[str, str]) -> AsyncIterator[Picture]:
    undone = await _found(endpoints, "compensated")
    yield Picture("overview", "/ui/")
    yield Picture("story-dark", f"/ui/sagas/{undone}", scheme="dark")
    yield Picture("story-phone", f"/ui/sagas/{undone}", width=390, height=844)
    yield Picture("overview-phone", "/ui/", width=390, height=844, scheme="dark")
    yield Picture("sagas", "/ui/sagas", height=800)
    yield Picture("sagas-phone", "/ui/sagas", width=390, height=844, scheme="dark")
    yield Picture("dead-letters", "/ui/dead", height=800)


async def _found(endpoints: Mapping[str, str], state: str) -> str:
    """The saga of this state that has the longest story."""
    headers = {"Authorization": f"Bearer {endpoints['token']}"}
    async with httpx.AsyncClient(headers=headers, base_url=endpoints["observer"]) as http:
        sagas = (await http.get("/sagas", params={"state": state})).raise_for_status().json()
        stories = [(await http.get(f"/sagas/{saga['saga_id']}")).raise_for_status().json() for saga in sagas]
    longest: str = max(stories, key=lambda story: len(story["events"]))["saga_id"]
    return longest


async def _taken(browser: Browser, endpoints: Mapping[str, str], picture: Picture) -> Path:
    context = await browser.new_context(
        base_url=endpoints["observer"],
        viewport={"width": picture.width, "height": picture.height or 800},
        color_scheme=picture.scheme,
        device_scale_factor=picture.sharpness,
        reduced_motion="reduce",
    )
    page = await context.new_page()
    await page.goto(f"/ui/login#token={endpoints['token']}")
    await page.wait_for_url("**/ui/")
    await page.goto(picture.path)
    await page.wait_for_selector("#liveness[data-state=live]")
    taken = await page.screenshot(full_page=picture.height is None)
    await context.close()
    path = FOLDER / f"{picture.name}.png"
    path.parent.mkdir(exist_ok=True)
    with Image.open(io.BytesIO(taken)) as whole:
        _with_few_colours(whole.convert("RGB")).save(path, optimize=True)
    return path


def _with_few_colours(whole: Image.Image) -> Image.Image:
    """Those that are there the most often, and exactly: the page's own. The others are at the edges of letters."""
    often = [colour for colour, _ in Counter(_pixels(whole)).most_common(COLOURS)]
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for colour in often for part in colour])
    return whole.quantize(palette=palette, dither=Image.Dither.NONE)


def _pixels(whole: Image.Image) -> Iterator[tuple[int, int, int]]:
    parts = iter(whole.tobytes())
    return zip(parts, parts, parts, strict=True)


if __name__ == "__main__":
    sys.exit(main())
