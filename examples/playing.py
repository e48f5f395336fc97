"""An example's services as processes, with the observer beside them, and its stories told at the broker."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import uuid_utils.compat as uuid

from events import Event
from infra.local.system import Services, as_module, services
from observer_service.handlers import watching
from saga import Service
from saga.audit import Report, audit
from saga.exploring import Scenario
from saga.provisioning import DatabaseServer, Deployment
from saga.testing import Stage, eventually, stage
from saga.tokens import mint_token

OBSERVER = "observer"
ENDED = frozenset({"succeeded", "refused", "compensated"})
"""The observer's words for a saga in which nothing is left to be done."""
WITHIN = 120.0
"""Seconds that a saga may take, whatever happens to the services meanwhile."""


@dataclass
class Play:
    """`processes` are the services; `stage` hears all that they say."""

    scenario: Scenario
    deployment: Deployment
    processes: Services
    stage: Stage
    http: httpx.AsyncClient

    @property
    def titles(self) -> list[str]:
        """The stories that can be told at the broker: commands are said at an API."""
        nobody = UUID(int=0)
        told = {title: story(nobody) for title, story in self.scenario.stories.items()}
        return [title for title, said in told.items() if all(isinstance(fact, Event) for fact in said)]

    async def tell(self, title: str) -> UUID:
        """Say what anybody outside says in this story, of a new saga; its id."""
        saga = uuid.uuid7()
        await self.stage.say(*(fact for fact in self.scenario.stories[title](saga) if isinstance(fact, Event)))
        return saga

    async def ended(self, saga: UUID) -> str:
        """How it has ended, by the observer, as soon as it has."""

        async def state() -> str:
            found = (await self.http.get(f"/sagas/{saga}")).json()
            assert found.get("state") in ENDED, found  # noqa: S101 — what `eventually` waits for
            return str(found["state"])

        return await eventually(state, WITHIN)

    async def opened_by_clocks(self, told: Collection[UUID]) -> list[UUID]:
        """The sagas that were heard of and not told, when every alarm has had the time to open another one."""
        periods = [alarm.period.total_seconds() for service in self.scenario.services for alarm in service.alarms]
        before = None
        while (heard := list(dict.fromkeys(envelope.saga_id for envelope in self.stage.heard))) != before:
            before = heard
            await asyncio.sleep(2 * max(periods, default=0))
        return [saga for saga in map(UUID, heard) if saga not in told]

    async def balanced(self) -> Report:
        """The audit's report, when nothing is on its way any more."""
        told = self.scenario.services

        async def report() -> Report:
            found = await audit(
                told,
                self.deployment.administrator,
                prefix=self.deployment.prefix,
                settled=True,
                nothing_parked=True,
            )
            assert not found.doubts, found.doubts  # noqa: S101 — see above
            assert not found.breaches, found.breaches  # noqa: S101 — see above
            return found

        return await eventually(report, WITHIN)


def cast(scenario: Scenario) -> list[Service]:
    """The scenario's services, and an observer of them."""
    return [*scenario.services, watching(*scenario.services)]


@asynccontextmanager
async def playing(
    name: str,
    scenario: Scenario,
    deployment: Deployment,
    amqp: str,
    run: Path,
    command: Callable[[Service], Sequence[str]] = as_module,
) -> AsyncIterator[Play]:
    """All services of a provisioned deployment of the `cast`, ready. `amqp` is its URL for an administrator."""
    await _prepare(scenario.prepared, deployment)
    watched = {"SAGA_SERVICES": f"examples.{name}:SERVICES"}
    token = mint_token(deployment.api_secret, "examples", timedelta(days=1))
    with services(deployment, run, watched, lambda service: list(command(service))) as processes:
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            stage(deployment, amqp) as on_stage,
            httpx.AsyncClient(headers=headers, base_url=processes.url(OBSERVER), timeout=30) as http,
        ):
            yield Play(scenario, deployment, processes, on_stage, http)


async def _prepare(prepared: Mapping[str, str], deployment: Deployment) -> None:
    """What services begin with, in their databases."""
    for service, statements in prepared.items():
        server = DatabaseServer(deployment.administrator.postgres)
        connection = await asyncpg.connect(server.url_of(f"{deployment.prefix}{service}"))
        try:
            await connection.execute(statements)
        finally:
            await connection.close()
