"""One service as one process: consumer, relay, caller, API and housekeeping, started together and stopped in order."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg
import structlog
import uvicorn
import uvloop
from fastapi import APIRouter

from saga import api, migrations
from saga.broker import Names
from saga.caller import Caller, Performer
from saga.clock import Clock
from saga.consumer import Consumer
from saga.database import AWAY, Pool, open_pool, reach
from saga.errors import BrokerAway, CannotStart, DatabaseAway, SagaError, ServerAway
from saga.expecting import expect_provisioned
from saga.housekeeping import Housekeeping
from saga.letters_api import letters_router
from saga.logging import configure
from saga.messages import Call
from saga.overhearing import Onlooker
from saga.participant import Participant
from saga.publisher import Publisher
from saga.relay import Relay
from saga.retries import Retries
from saga.service import Service
from saga.settings import Settings
from saga.spans import Tracer
from saga.waiting import backoffs

log = structlog.get_logger()

Performers = Mapping[type[Call], Performer]
S = TypeVar("S", bound=Settings)
T = TypeVar("T")

Outside = Callable[[S], AbstractAsyncContextManager[Performers]]
"""Opens what performs the service's calls, for as long as the service runs."""

CLOSING = timedelta(seconds=4)
"""What closing connections may take after the deadline of a stop."""
STOPPED_LATE = 1
"""The exit code of a stop that had to be cut short. Nothing is lost: it is in the queue, the outbox and the calls."""


def run(
    service: Service, settings: type[S], router: APIRouter | None = None, outside: Outside[S] | None = None
) -> None:
    """Run the service until SIGTERM or SIGINT. Exits with 1 and one line on standard error when it can't start."""
    try:
        loaded = settings.load()
        configure(service.name, loaded.log_level, loaded.log_format)
        _collect_seldom()
        uvloop.run(_until_signalled(service, loaded, router or APIRouter(), outside or nothing_outside))
    except SagaError as error:
        sys.exit(f"{service.name}: {error}")


def _collect_seldom() -> None:
    """What a batch makes is freed by reference counts: looking for cycles in it, again and again, finds nothing.

    What was imported is never looked at again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@asynccontextmanager
async def nothing_outside(_: Settings) -> AsyncIterator[Performers]:
    """For services that call nobody."""
    yield {}


async def _until_signalled(service: Service, settings: S, router: APIRouter, outside: Outside[S]) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def begin_to_stop() -> None:
        """Whatever hangs, be it a client library that waits for a server that no longer answers: the deadline holds."""
        stop.set()
        loop.call_later((settings.stop_deadline + CLOSING).total_seconds(), os._exit, STOPPED_LATE)

    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, begin_to_stop)
    await serve(service, settings, router, outside, stop)


async def serve(service: Service, settings: S, router: APIRouter, outside: Outside[S], stop: asyncio.Event) -> None:
    """Wait for the servers, run, and when `stop` is set stop cleanly within the deadline."""
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(contextlib.closing(_listen(settings)))
        pool = await _unless(stop, _open_database(service, settings))
        if pool is None:
            return
        stack.push_async_callback(_close_pool, pool)
        program = Program(service, settings, pool, await stack.enter_async_context(outside(settings)))
        if await _unless(stop, program.reach_broker()) is None:
            return
        await program.run(stop, router, listener)


class Program:
    """The parts of a running service, wired together."""

    def __init__(self, service: Service, settings: Settings, pool: Pool, performers: Performers) -> None:
        self._amqp_url = amqp_url = settings.amqp_url.get_secret_value()
        self._names = Names(service.name)
        self._settings = settings
        self._participant = Participant(service, pool, tracer=_tracer(service, settings))
        self._relay = Relay(service.name, pool, amqp_url, archives=bool(settings.retell_horizon))
        self._caller = Caller(self._participant, performers, settings)
        self._retries = Publisher(amqp_url, f"{service.name} retries")
        retries = Retries(service.name, self._retries, settings.retry_tiers)
        self._consumer = _consumer(self._participant, retries, settings)
        self._clock = Clock(self._participant, settings, self._knows_what_was_said)
        self._housekeeping = Housekeeping(service, pool, settings)
        self._participant.relay = self._relay
        self._participant.caller = self._caller

    async def reach_broker(self) -> bool:
        """Wait until the broker is up. Raises CannotStart when it refuses us or isn't provisioned."""
        failures = backoffs()
        while True:
            try:
                await self._relay.publisher.open()
                await expect_provisioned(self._amqp_url, self._names, self._settings.retry_tiers)
            except BrokerAway as error:
                await _wait(next(failures), "broker.waiting", error)
            else:
                return True

    async def run(self, stop: asyncio.Event, router: APIRouter, listener: socket.socket) -> None:
        """Everything at once; an accident in one part ends the process, for its supervisor to start it anew."""
        letters = letters_router(self._participant.service, self._participant.pool, self._amqp_url)
        secret = self._settings.api_secret.get_secret_value()
        app = api.build(self._participant, secret, (router, letters), self.ready)
        app.state.stopping = stop  # what is streamed ends by itself, or the server would wait for it
        server = _Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
        async with asyncio.TaskGroup() as parts:
            serving = parts.create_task(server.serve(sockets=[listener]))
            in_the_background = [parts.create_task(work) for work in (self._housekeeping.run(), self._clock.run())]
            running = [parts.create_task(part.run()) for part in (self._relay, self._caller, self._consumer)]
            log.info("service.started", api=f"http://{self._settings.http_host}:{listener.getsockname()[1]}")
            await stop.wait()
            log.info("service.stopping")
            server.should_exit = True
            for work in in_the_background:
                work.cancel()
            try:
                async with asyncio.timeout(self._settings.stop_deadline.total_seconds()):
                    await asyncio.gather(self._consumer.stop(), self._caller.stop(), serving)
                    await self._relay.stop()
                    await self._participant.tracer.stop()
            except TimeoutError:
                log.warning("service.stopped_late")  # what is open stays in the queue, the outbox and the calls
                self._participant.pool.terminate()  # else a part may wait for a server that no longer answers
                for part in (serving, *running):
                    part.cancel()
            await self._retries.close()
        log.info("service.stopped")

    def _knows_what_was_said(self) -> bool:
        """Not while it is restored from a backup: what was said since then is still to be said again."""
        return self._consumer.caught_up and not self._settings.restored

    async def ready(self) -> dict[str, bool]:
        try:
            await reach(self._participant.pool)
        except DatabaseAway:
            database = False
        else:
            database = True
        return {"database": database, "consuming": self._consumer.consuming, "broker": self._relay.publisher.connected}


def _consumer(participant: Participant, retries: Retries, settings: Settings) -> Consumer[Any]:
    """For who takes part, or for who overhears."""
    if step := participant.service.overhears:
        return Consumer(Onlooker(participant.service, participant.pool, step), retries, settings)
    return Consumer(participant, retries, settings)


class _Server(uvicorn.Server):
    """Leaves the signals to us."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _tracer(service: Service, settings: Settings) -> Tracer:
    if settings.otlp_endpoint is None:
        return Tracer()
    from saga.telemetry import Telemetry  # it takes a third of a second, and memory, from those who don't trace

    return Telemetry(service.name, settings.otlp_endpoint.get_secret_value(), settings.trace_ratio)


def _listen(settings: Settings) -> socket.socket:
    host, port = settings.http_host, settings.http_port
    try:
        return socket.create_server((host, port))
    except OSError as error:
        variable = f"{settings.model_config.get('env_prefix', '')}HTTP_PORT"
        raise CannotStart(
            f"the API can't listen on {host}:{port} ({error.strerror})", f"choose another {variable}"
        ) from None


async def _open_database(service: Service, settings: Settings) -> Pool:
    """Wait until the database is up. Raises CannotStart when it refuses us or isn't provisioned."""
    url = settings.database_url.get_secret_value()
    parts = urlsplit(url)
    failures = backoffs()
    while True:
        try:
            pool = await open_pool(url, size=settings.pool_size, application=service.name)
            await migrations.expect_current(pool, service.package)
        except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError) as error:
            raise CannotStart(
                f"the database at {parts.hostname}:{parts.port} refuses user {parts.username!r} ({error})",
                "check the password in the DATABASE_URL, or run 'saga provision'",
            ) from error
        except (DatabaseAway, OSError, *AWAY) as error:
            cause = DatabaseAway(f"the database at {parts.hostname}:{parts.port} does not answer ({error})")
            await _wait(next(failures), "database.waiting", cause)
        else:
            return pool


async def _wait(pause: float, event: str, error: ServerAway) -> None:
    log.warning(event, cause=str(error), seconds=round(pause, 1))
    await asyncio.sleep(pause)


async def _unless(stop: asyncio.Event, coroutine: Coroutine[Any, Any, T]) -> T | None:
    """What the coroutine returns, or None when we are to stop before."""
    work, stopping = asyncio.ensure_future(coroutine), asyncio.ensure_future(stop.wait())
    await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if work.done():
        return work.result()
    work.cancel()
    return None


async def _close_pool(pool: Pool) -> None:
    try:
        async with asyncio.timeout(3):
            await pool.close()
    except TimeoutError:
        pool.terminate()
