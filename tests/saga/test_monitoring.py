"""What alerts and dashboards ask for is told by services and a broker that run."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest
import yaml

from infra.local.ports import LOOPBACK
from infra.local.servers import Servers
from observer_service import metrics as observer
from saga import metrics as runtime
from saga.testing import eventually
from tests.infra.monitoring import (
    ITS_OWN,
    SETTINGS,
    Known,
    Question,
    declared,
    questions,
    recorded,
    together,
    told,
)
from tests.saga.prometheus import Prometheus, prometheus
from tests.saga.shop import Shop, order_for

QUIET_WHEN_WELL = {
    "sagas/Alerts": "nothing fires",
    "runtime/In retry tiers and dead letters": "nothing has failed",
    "runtime/Parked": "nothing has failed",
    "sagas/Tried again and parked": "nothing has failed",
    "sagas/Stuck, by why and where": "nothing is stuck",
}
"""Panels without data in a shop that has no trouble."""


def panels() -> list[Question]:
    return [asked for asked in questions() if "/" in asked.where and asked.where not in QUIET_WHEN_WELL]


@pytest.fixture(scope="module")
async def busy(shop: Shop) -> Shop:
    """The shop, when every service has handled something, and both gateways have been called."""
    await work(shop)
    return shop


async def work(shop: Shop) -> None:
    """An order that is fulfilled, and one that is undone."""
    for how in ("pm_card_visa", "pm_card_chargeDeclined"):
        await shop.publish(order_for(payment_method=how))
    await shop.settled()


@pytest.fixture(scope="module")
async def known(busy: Shop, servers: Servers) -> Known:
    """All that Prometheus gets to know from them by our settings."""
    jobs = {job["job_name"]: job for job in yaml.safe_load(SETTINGS.read_text())["scrape_configs"]}
    queues = servers.metrics.removesuffix("/metrics") + jobs["queues"]["metrics_path"]
    urls = [busy.services.url(name) + "/metrics" for name in busy.services.ports]
    urls += [servers.metrics, str(httpx.URL(queues, params=jobs["queues"]["params"]))]
    scraped = together(*[told((await busy.http.get(url)).text) for url in urls])
    defined = declared(runtime) | declared(observer)  # tells the labels of what has no sample yet
    exists = {name: labels | defined.get(name, frozenset()) for name, labels in scraped.items()}
    return together(exists, ITS_OWN, recorded(exists))


@pytest.mark.parametrize("question", questions(), ids=lambda question: question.where)
async def test_a_question_can_be_answered(question: Question, known: Known) -> None:
    """Of every alert and every panel: its series are told, with these labels."""
    assert question.unanswerable(known) == []


async def test_a_metric_that_is_defined_is_told_by_a_running_service(known: Known) -> None:
    """What is never served would be looked for in vain."""
    assert declared(runtime).keys() | declared(observer).keys() <= known.keys()


@pytest.mark.parametrize("name", ["saga_outbox_age_seconds", "rabbitmq_detailed_queue_consumers", "saga_stuck_sagas"])
async def test_a_misspelt_metric_is_found(name: str, known: Known) -> None:
    """Wherever it is asked for: of a service, the broker or the observer."""
    asked = [question for question in questions() if name in question.asks]
    assert asked
    for question in asked:
        misspelt = Question(question.where, question.asks.replace(name, f"{name[:-2]}s"))
        assert any(f"there is no {name[:-2]}s" in problem for problem in misspelt.unanswerable(known))


@pytest.fixture(scope="module")
async def monitored(
    busy: Shop, servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Prometheus]:
    """A Prometheus that asks the shop and its broker."""
    if shutil.which("prometheus") is None:
        pytest.skip("there is no prometheus here: on Debian it is a package")
    broker = urlsplit(servers.metrics).netloc
    services = [f"{LOOPBACK}:{port}" for port in busy.services.ports.values()]
    targets = {"services": services, "rabbitmq": [broker], "queues": [broker]}
    async with prometheus(tmp_path_factory.mktemp("prometheus"), targets) as running:
        await work(busy)  # something rises while it looks
        yield running


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel.where)
async def test_a_panel_shows_something_while_all_is_well(panel: Question, monitored: Prometheus) -> None:
    """By what a real Prometheus answers, which has asked services, broker and observer by our settings."""
    asks = panel.asks.replace("$__rate_interval", "30s").replace("$step", ".+").replace("$service", ".+")

    async def is_shown() -> bool:
        return bool(await monitored.ask(asks))

    assert await eventually(is_shown, within=20)


async def test_a_service_that_is_gone_is_told_by_its_name(monitored: Prometheus, busy: Shop) -> None:
    """By Prometheus, which can't reach it, and by the broker, whose queue has lost its consumer. Until it is back."""
    told_of = {("ServiceDown", LOOPBACK), ("NoConsumer", "shipping")}  # here, a service's address isn't its name

    async def is_told() -> bool:
        return told_of <= await monitored.firing()

    async def is_over() -> bool:
        return told_of.isdisjoint(await monitored.firing())

    assert await is_over()
    await asyncio.to_thread(busy.services.stop, "shipping")
    try:
        await eventually(is_told, within=40)
    finally:
        busy.services.start("shipping")
        await asyncio.to_thread(busy.services.wait, "shipping")
    await eventually(is_over, within=40)
