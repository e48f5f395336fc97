"""`saga story`: what has happened to one saga, as the observer tells it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import AwareDatetime, BaseModel, ValidationError
from rich.console import Console
from rich.text import Text

from saga.cli.endpoints import Endpoints
from saga.cli.plain import plain
from saga.cli.timeline import Moment, Timeline
from saga.errors import CannotStart
from saga.service import Service

STATES = {"succeeded": "bold green", "refused": "bold red", "compensated": "bold yellow", "stuck": "bold red reverse"}


class _Event(BaseModel):
    type: str
    source: str
    time: AwareDatetime
    seconds: float | None
    data: Any

    @property
    def moment(self) -> Moment:
        data: Mapping[str, Any] = self.data if isinstance(self.data, dict) else {}
        return Moment(self.time, self.type, self.source, self.seconds, data)


class _Diversion(BaseModel):
    service: str
    type: str
    course: str
    at: AwareDatetime
    attempt: int
    reason: str


class _Story(BaseModel):
    saga_id: str
    state: str
    remaining: tuple[str, ...]
    since: AwareDatetime | None
    reason: str | None
    detail: str | None
    events: list[_Event]
    diversions: list[_Diversion]


class _Problem(BaseModel):
    detail: str


async def story(endpoints: Endpoints, services: Sequence[Service], saga_id: str, console: Console) -> None:
    """Print the story's events in causal order, what services could not handle in between, and how it stands.

    Raises CannotStart, if the observer isn't there or has heard nothing of it.
    """
    told = await _asked(endpoints, saga_id)
    timeline = Timeline(services)
    for event in told.events:
        for diversion in _passed(told.diversions, event.time):
            console.print(_diverted(diversion), soft_wrap=True)
        console.print(timeline.line(event.moment), soft_wrap=True)
    for diversion in _passed(told.diversions, datetime.max.replace(tzinfo=UTC)):
        console.print(_diverted(diversion), soft_wrap=True)
    console.print(_standing(told), soft_wrap=True)


async def _asked(endpoints: Endpoints, saga_id: str) -> _Story:
    url = endpoints.require("observer_url")
    headers = {"Authorization": f"Bearer {endpoints.bearer_token()}"}
    try:
        async with httpx.AsyncClient(headers=headers, timeout=30) as http:
            response = await http.get(f"{url.rstrip('/')}/sagas/{quote(saga_id, safe='')}")
    except httpx.HTTPError as error:
        raise CannotStart(
            f"the observer at {url} does not answer ({error})", "start it, or see SAGA_OBSERVER_URL"
        ) from None
    if response.status_code == HTTPStatus.NOT_FOUND:
        raise CannotStart(f"the observer has heard nothing of {saga_id}", "check the id")
    try:
        if response.is_error:
            problem = _Problem.model_validate_json(response.content)
            raise CannotStart(f"the observer at {url} refuses ({response.status_code})", problem.detail)
        return _Story.model_validate_json(response.content)
    except ValidationError:
        raise CannotStart(
            f"what answers at {url} ({response.status_code}) is no observer", "see SAGA_OBSERVER_URL"
        ) from None


def _passed(diversions: list[_Diversion], until: datetime) -> list[_Diversion]:
    """Those up to then, which are taken away."""
    passed = [diversion for diversion in diversions if diversion.at <= until]
    diversions[: len(passed)] = []
    return passed


def _diverted(diversion: _Diversion) -> Text:
    return Text.assemble(
        (f"{diversion.at.astimezone():%H:%M:%S.%f}"[:-3], "dim"),
        " " * 13,
        plain(f"⚠ {diversion.type:<36}", "magenta"),
        f"{diversion.service:<12}",
        plain(f"{diversion.course}: {diversion.reason}" if diversion.reason else diversion.course, "dim"),
    )


def _standing(told: _Story) -> Text:
    waits = f", waits for {' and '.join(told.remaining)}" if told.remaining else ""
    since = f" since {told.since.astimezone():%Y-%m-%d %H:%M:%S}" if told.since and told.remaining else ""
    why = f" ({told.reason}: {told.detail})" if told.reason else ""
    return Text.assemble((told.state, STATES.get(told.state, "bold")), plain(f"{waits}{since}{why}"))
