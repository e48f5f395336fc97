"""`saga watch`: events as they happen."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Console

from events import Envelope, Event
from saga.cli.endpoints import Endpoints
from saga.cli.timeline import Moment, Timeline
from saga.listening import listening
from saga.service import Service

MOST = 10_000
"""Events whose time is remembered, to tell how long after them others were said."""


async def watch(endpoints: Endpoints, services: Sequence[Service], saga_id: str | None, console: Console) -> None:
    """Print a line for every event, or for those of one saga, until interrupted or the broker goes."""
    timeline, clock = Timeline(services), Clock()
    async with listening(endpoints.require("admin_amqp_url"), services) as events:
        console.print("watching; Ctrl-C ends it", style="dim")
        async for envelope in events:
            moment = clock.moment(envelope)
            if saga_id in {None, envelope.saga_id}:
                console.print(timeline.line(moment, "" if saga_id else envelope.saga_id), soft_wrap=True)


class Clock:
    """Remembers when events were said, for those that follow from them."""

    def __init__(self) -> None:
        self._times: dict[str, datetime] = {}

    def moment(self, envelope: Envelope[Event]) -> Moment:
        self._times[envelope.id] = envelope.time
        if len(self._times) > MOST:
            del self._times[next(iter(self._times))]
        cause = self._times.get(envelope.causationid or "")
        seconds = (envelope.time - cause).total_seconds() if cause else None
        data = envelope.data.model_dump(mode="json")
        return Moment(envelope.time, envelope.type, envelope.source, seconds, data)
