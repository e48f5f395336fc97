"""A real Prometheus, with our settings and rules, but for where its targets are and how long it waits."""

import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from infra.local.ports import LOOPBACK, free_ports
from infra.local.process import Children
from saga.testing import eventually
from tests.infra.monitoring import ALERTS, SETTINGS

INTERVAL = "1s"


class Prometheus:
    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def ask(self, query: str) -> list[dict[str, Any]]:
        """What it answers now; the test fails if it can't."""
        answer = (await self._http.get("/api/v1/query", params={"query": query})).json()
        assert answer["status"] == "success", (query, answer)
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    async def reached(self) -> int:
        """How many targets have been asked, and have answered; httpx.HTTPError while it starts itself."""
        targets = (await self._http.get("/api/v1/targets")).raise_for_status().json()["data"]["activeTargets"]
        return sum(target["health"] == "up" for target in targets)

    async def firing(self) -> set[tuple[str, str]]:
        """Each alert that fires, and the service that it names."""
        fire = await self.ask('ALERTS{alertstate="firing"}')
        return {(alert["metric"]["alertname"], alert["metric"].get("service", "")) for alert in fire}


@asynccontextmanager
async def prometheus(folder: Path, targets: Mapping[str, list[str]]) -> AsyncIterator[Prometheus]:
    """It has asked each of these targets, which it knows by their jobs."""
    (port,) = free_ports(1)
    at = f"{LOOPBACK}:{port}"
    settings = _settings(folder, {**targets, "monitoring": [at]})
    command = [str(shutil.which("prometheus")), f"--config.file={settings}", f"--web.listen-address={at}"]
    with Children() as children:
        home = children.home(folder, "prometheus")
        children.start(home, [*command, f"--storage.tsdb.path={home.folder}/data", "--log.level=warn"], env={})
        async with httpx.AsyncClient(base_url=f"http://{at}") as http:
            running = Prometheus(http)

            async def has_asked_all() -> bool:
                try:
                    return await running.reached() == 1 + sum(map(len, targets.values()))  # and itself
                except httpx.HTTPError:
                    return False

            await eventually(has_asked_all, within=30)
            yield running


def _settings(folder: Path, targets: Mapping[str, list[str]]) -> Path:
    """Ours, with these targets, and alerts that fire at once."""
    rules = yaml.safe_load(ALERTS.read_text())
    for rule in (rule for group in rules["groups"] for rule in group["rules"]):
        rule.pop("for", None)
    (folder / ALERTS.name).write_text(yaml.safe_dump(rules))
    settings = yaml.safe_load(SETTINGS.read_text())
    del settings["alerting"]
    settings["global"] = dict.fromkeys(settings["global"], INTERVAL)
    for job in settings["scrape_configs"]:
        job["static_configs"] = [{"targets": targets[job["job_name"]]}]
    path = folder / SETTINGS.name
    path.write_text(yaml.safe_dump(settings))
    return path
