"""Play every story at once, show them as they go, and check the books: `python -m infra.demo`."""

import argparse
import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

from rich.console import Console
from rich.live import Live

from events import Envelope, Event
from infra.demo.books import Finding, check
from infra.demo.doors import Doors
from infra.demo.screen import findings_table, story_table
from infra.demo.stories import Shop, Story, stories
from infra.local import ServersUnavailable
from infra.local.__main__ import terminated
from infra.local.system import SERVICES, system
from saga import SagaError
from saga.listening import listening
from saga.testing import eventually

RUN = Path(".run/demo")
FAULTS = {"PAYMENT_GATEWAY_TIMEOUT_RATE": "0.2", "SHIPPING_CARRIER_TIMEOUT_RATE": "0.2"}
"""A fifth of the gateway's and the carrier's answers get lost after they have acted."""
WIDTH = 140


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.demo", description=__doc__)
    parser.add_argument("--picture", type=Path, help="also save what was shown as an SVG")
    picture: Path | None = parser.parse_args().picture
    console = Console(width=None if sys.stdout.isatty() and not picture else WIDTH, record=picture is not None)
    signal.signal(signal.SIGTERM, terminated)
    began = monotonic()
    try:
        with system(RUN, lambda line: console.print(line, style="dim", highlight=False), FAULTS) as running:
            console.print(f"All services are ready after {monotonic() - began:.1f} s.", style="dim", highlight=False)
            console.print(_where_to_look(running.endpoints), style="dim", highlight=False, soft_wrap=True)
            findings = asyncio.run(play(running.endpoints, console))
            if sys.stdin.isatty() and sys.stdout.isatty() and not picture:
                console.print(f"\nEvery order's story: {_page(running.endpoints)}", highlight=False, soft_wrap=True)
                console.input("[dim]Enter stops everything. [/]")
    except (ServersUnavailable, SagaError) as error:
        console.print(str(error), style="bold red", highlight=False)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    holds = all(finding.holds for finding in findings)
    verdict = "The books balance." if holds else "The books do NOT balance."
    took = f"{monotonic() - began:.1f} s in all."
    console.print(f"\n{verdict} {took} To keep such a system running: make up", style="bold", highlight=False)
    if picture:
        svg = console.export_svg(title="make demo")
        picture.write_text(re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL))  # it loads nothing from elsewhere
    return 0 if holds else 1


def _where_to_look(endpoints: Mapping[str, str]) -> str:
    """The observer's page, and the management UI's address; its password is in no scrollback."""
    url = urlsplit(endpoints["management"])
    where = f"http://{url.hostname}:{url.port}"
    return (
        f"Every order's story while it lasts: {_page(endpoints)}\n"
        f"Management UI: {where}, user {url.username}, password in {RUN / 'endpoints.json'}\n"
    )


def _page(endpoints: Mapping[str, str]) -> str:
    """The observer's page, with a token behind the #, which no browser sends or logs."""
    return f"{endpoints['observer']}/ui/login#token={endpoints['token']}"


async def play(endpoints: Mapping[str, str], console: Console) -> list[Finding]:
    """Play all stories, a moment apart; the findings of the books when all have ended."""
    told = list(stories())
    async with Doors(endpoints) as doors, listening(endpoints["amqp"], SERVICES) as events:
        shop = Shop(doors)
        for story in told:
            for warehouse in ("berlin", "leipzig") if story.is_split else ():
                await doors.count(story.sku, warehouse, 3)
        hearing = asyncio.create_task(_hear(events, told, shop))
        with Live(console=console, refresh_per_second=10, get_renderable=lambda: story_table(told)) as live:
            await asyncio.gather(*(_play(story, shop, index * 0.12) for index, story in enumerate(told)))
            live.refresh()
        hearing.cancel()
    findings = await check(endpoints, told)
    console.print()
    console.print(findings_table(findings))
    return findings


async def _play(story: Story, shop: Shop, after: float) -> None:
    """Play it to its end, or as far as it goes: how it has ended stands in its row, and is one of the findings."""
    await asyncio.sleep(after)
    with suppress(TimeoutError, AssertionError):
        await story.plot(shop, story)
        await eventually(lambda: _has_ended(story, shop), within=30)


async def _has_ended(story: Story, shop: Shop) -> bool:
    story.ended = await shop.doors.order(story.order_id)
    return (story.ended.get("status"), story.ended.get("reason")) == (story.status, story.reason)


async def _hear(events: AsyncIterator[Envelope[Event]], told: Sequence[Story], shop: Shop) -> None:
    by_saga = {str(story.order_id): story for story in told}
    async for envelope in events:
        if story := by_saga.get(envelope.saga_id):
            await shop.hear(story, envelope.data)


if __name__ == "__main__":
    sys.exit(main())
