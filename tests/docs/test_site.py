"""The docs as a site: complete, sufficient to itself, and of use to everybody."""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from infra.site.__main__ import SCRIPTS, SITE
from tests.browser import DESK, PHONE, WCAG, in_a_browser, opened
from tests.docs.blocks import ROOT, Kind, blocks_of

CHOICE = "SAGA_TEST_SITE"
pytestmark = [
    pytest.mark.timeout(300),  # to make it takes half a minute, and longer beside others
    pytest.mark.skipif(
        os.environ.get(CHOICE) != "1", reason=f"makes the site and looks at it; to have it done, set {CHOICE}=1"
    ),
]
needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="no npm is installed here")
LOADED = re.compile(
    r"""<(?:script|link|img|iframe|source)\b[^>]*?\b(?:src|href)=["'](?:https?:)?//[^>]*|(?:@import|url\()\s*["']?(?:https?:)?//"""
)
"""What a browser would fetch from elsewhere. Links that are followed by a click are no business of it."""
DRAWN = sorted({block.page for block in blocks_of(Kind.DIAGRAM)})
LOOKED_AT = (
    "docs/index.html",
    "docs/choreography.html",
    "docs/reference/saga.html",
    "docs/reference/command-line.html",
    "source/saga/fence.py.html",
)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nobody reads along."""


@pytest.fixture(scope="module")
def site() -> Path:
    """Made anew."""
    made = subprocess.run([sys.executable, "-m", "infra.site"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    return SITE


@pytest.fixture(scope="module")
def url(site: Path) -> Iterator[str]:
    """Where it is served, on this machine only."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site))
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    serving.join()
    server.server_close()


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with opened() as browser:
        yield browser


@pytest.fixture
async def page(browser: Browser, url: str) -> AsyncIterator[Page]:
    """Whatever it complains of, or asks of others, fails the test."""
    context = await browser.new_context(base_url=url, viewport=DESK)  # type: ignore[arg-type] # it has both sizes
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith((url, "data:")) else complaints.append(asked.url))
    yield page
    await context.close()
    assert complaints == []


@needs_npm
def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    files = [file for kind in ("*.html", "*.css") for file in site.rglob(kind)]
    assert len(files) > 100
    assert [f"{file}: {found}" for file in files for found in LOADED.findall(file.read_text(encoding="utf-8"))] == []


@needs_npm
@in_a_browser
@pytest.mark.parametrize("name", DRAWN)
async def test_every_diagram_is_drawn(page: Page, name: str) -> None:
    await page.goto(name.replace(".md", ".html"))
    wanted = sum(block.page == name for block in blocks_of(Kind.DIAGRAM))
    await expect(page.locator("pre.mermaid > svg")).to_have_count(wanted, timeout=30_000)


@needs_npm
@in_a_browser
async def test_diagrams_turn_dark_with_the_page(page: Page) -> None:
    await page.goto("docs/choreography.html")
    text = page.locator("pre.mermaid .nodeLabel").first
    await expect(text).to_be_visible(timeout=30_000)
    light = await text.evaluate("element => getComputedStyle(element).color")
    await page.emulate_media(color_scheme="dark")
    await expect(text).not_to_have_css("color", light)


@needs_npm
@in_a_browser
async def test_it_is_read_from_the_disk_as_well(browser: Browser, site: Path) -> None:
    """Without a server: its diagrams are drawn, and a search finds pages, though not what stands in them."""
    page = await browser.new_page()
    await page.goto((site / "index.html").as_uri())
    await page.wait_for_url("**/docs/index.html")
    await page.goto((site / "docs/choreography.html").as_uri())
    await expect(page.locator("pre.mermaid > svg")).to_have_count(1, timeout=30_000)
    await page.goto((site / "search.html").as_uri() + "?q=empty+rollback")
    await expect(page.locator("#search-results li a").first).to_be_visible()
    await page.close()


@needs_npm
@in_a_browser
@pytest.mark.parametrize(
    ("words", "leads_to"),
    [("CallsOld", "Operations"), ("saga retell", "The command line"), ("give_points", "Writing a participant")],
)
async def test_a_search_finds_it(page: Page, words: str, leads_to: str) -> None:
    await page.goto("docs/index.html")
    await page.locator("input[name=q]").first.fill(words)
    await page.keyboard.press("Enter")
    await expect(page.locator("#search-results li", has_text=leads_to).first).to_be_visible()


@needs_npm
@in_a_browser
async def test_a_link_to_code_shows_it(page: Page) -> None:
    await page.goto("docs/promises.html")
    await page.get_by_role("link", name="fence.py").first.click()
    await page.wait_for_url("**/source/saga/fence.py.html")
    await expect(page.locator(".highlight")).to_contain_text("async def enter")


@needs_npm
@in_a_browser
@pytest.mark.parametrize(("scheme", "size"), [("light", DESK), ("dark", PHONE)], ids=["desk", "phone"])
async def test_everybody_can_read_it(page: Page, scheme: Any, size: Any) -> None:
    """By the rules that axe knows (WCAG 2.1 A and AA), and without scrolling sideways."""
    await page.emulate_media(color_scheme=scheme)
    await page.set_viewport_size(size)
    for name in LOOKED_AT:
        await page.goto(name)
        found = await Axe().run(page, options=WCAG)
        assert found.violations_count == 0, f"{name}: {found.generate_report()}"
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("[away](nowhere.md)", "nowhere.md"),
        ("[away](index.md#nowhere)", "nowhere"),
        ("[away](../saga/nowhere.py)", "nowhere.py"),
        ("<!-- on the site\n```{autofunction} saga.nowhere\n```\n-->", "nowhere"),
        ("Fine.", ""),
    ],
)
def test_what_leads_nowhere_fails_the_site(tmp_path: Path, written: str, complaint: str) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/index.md").write_text(f"# The docs\n\n{written}\n", encoding="utf-8")
    how = ("-m", "sphinx", "--quiet", "--fail-on-warning", "--builder=dummy", f"--conf-dir={ROOT / 'infra/site'}")
    SCRIPTS.mkdir(parents=True, exist_ok=True)
    made = subprocess.run(  # noqa: S603 — on a page of ours
        [sys.executable, *how, str(tmp_path), str(tmp_path / "made")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (made.returncode != 0, complaint in made.stderr) == (complaint != "", True), made.stderr
