"""Pictures of the observer's pages for the README, taken while a demonstration runs: `python -m infra.pictures`."""

import asyncio
import io
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from playwright.async_api import Browser, async_playwright
from rich.console import Console

from infra.demo.__main__ import play
from infra.local.system import system

PICTURES = Path("docs/pictures")
RUN = Path(".run/pictures")
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
COLOURS = 128
"""Of the palette: so that a picture is small, and nobody sees it."""


async def take(endpoints: Mapping[str, str]) -> None:
    await play(endpoints, Console(file=io.StringIO()))
    headers = {"Authorization": f"Bearer {endpoints['token']}"}
    async with httpx.AsyncClient(headers=headers) as http:
        undone = (await http.get(f"{endpoints['observer']}/sagas?state=compensated")).json()
        stories = [(await http.get(f"{endpoints['observer']}/sagas/{saga['saga_id']}")).json() for saga in undone]
    longest = max(stories, key=lambda story: len(story["events"]))
    story = f"/ui/sagas/{longest['saga_id']}"
    async with async_playwright() as playwright:
        chromium = shutil.which("chromium")
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        await shoot(browser, endpoints, "overview", "/ui/", "light", DESK)
        await shoot(browser, endpoints, "story-dark", story, "dark", DESK)
        await shoot(browser, endpoints, "sagas", "/ui/sagas", "light", DESK)
        await shoot(browser, endpoints, "story-phone", story, "light", PHONE)
        await shoot(browser, endpoints, "sagas-phone", "/ui/sagas", "dark", PHONE)
        await browser.close()


async def shoot(browser: Browser, endpoints: Mapping[str, str], name: str, path: str, scheme: Any, size: Any) -> None:
    """What somebody sees who is logged in, without scrolling."""
    context = await browser.new_context(
        base_url=endpoints["observer"], viewport=size, color_scheme=scheme, device_scale_factor=1.5
    )
    page = await context.new_page()
    await page.goto(f"/ui/login#token={endpoints['token']}")
    await page.wait_for_url("**/ui/")
    await page.goto(path)
    await page.wait_for_timeout(2_500)  # until it is live
    shot = Image.open(io.BytesIO(await page.screenshot()))
    shot.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(PICTURES / f"{name}.png", optimize=True)
    await context.close()


def main() -> int:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with system(RUN) as running:
        asyncio.run(take(running.endpoints))
    return 0


if __name__ == "__main__":
    sys.exit(main())
