"""What can happen to a running system: each fault begins, lasts, and is over."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aio_pika.abc import AbstractChannel

from events import Event
from saga import Service
from saga.broker import UNROUTED, connect
from saga.deadletters import Databases
from saga.faultpoints import Point
from saga.retelling import Span, retell
from tests.fault import parrot
from tests.fault.wires import Wire
from tests.fault.world import World

SERVICES = ("order", "inventory", "payment", "shipping")
SERVERS = ("broker", "database")
WIRES = [(service, server) for service in SERVICES for server in SERVERS]
CALLING = {Point.LEASED, Point.ANSWERED, Point.SETTLING, Point.SETTLED}
DIVERTING = {Point.DIVERTING, Point.DIVERTED}
AT_POINTS = "SIGKILL at fault points"
LIBFAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


@dataclass(frozen=True, slots=True)
class Fault:
    """`happen` returns when it is over: from then on the system has to recover by itself."""

    kind: str
    what: str
    happen: Callable[[World], Awaitable[None]]


def services_of(point: Point) -> tuple[str, ...]:
    """Where a point is passed: only some services call the outside, or hear what nobody can read."""
    if point in CALLING:
        return ("payment", "shipping")
    return ("order", "inventory") if point in DIVERTING else SERVICES


def killed_at(service: str, points: Sequence[Point]) -> Fault:
    """The service dies at one point after the other, each time it has been started again."""

    async def happen(world: World) -> None:
        starts = [
            ["--kill-at", point, "--after", str(1 if point in DIVERTING else 1 + number % 3)]
            for number, point in enumerate(points)
        ]
        world.commands.next_times[service].extend(starts)
        world.services.kill(service)
        for point in points:
            await world.died_at(service, point)

    return Fault(AT_POINTS, service, happen)


def kill(service: str, after: float = 0) -> Fault:
    """The process that is there so many seconds later dies: if it has just been killed, the one that replaces it."""

    async def happen(world: World) -> None:
        await asyncio.sleep(after)
        await world.alive(service)
        world.services.kill(service)

    return Fault("SIGKILL of a service", service, happen)


def server_killed(server: str, pause: float) -> Fault:
    async def happen(world: World) -> None:
        hurt = world.servers.rabbitmq if server == "broker" else world.servers.postgres
        await asyncio.to_thread(hurt.kill, pause)
        await asyncio.to_thread(hurt.wait)
        if server == "broker":
            await world.elect_missing_leaders()

    return Fault(f"SIGKILL of the {server}", f"for {pause:.1f} s", happen)


def server_restarted(server: str) -> Fault:
    async def happen(world: World) -> None:
        hurt = world.servers.rabbitmq if server == "broker" else world.servers.postgres
        await asyncio.to_thread(hurt.restart, 0.5)
        await asyncio.to_thread(hurt.wait)
        if server == "broker":
            await world.elect_missing_leaders()

    return Fault(f"restart of the {server}", "", happen)


def cut(service: str, server: str) -> Fault:
    async def happen(world: World) -> None:
        world.wires[f"{service}-{server}"].cut()

    return Fault("connections cut", f"{service} ✂ {server}", happen)


def refused(service: str, server: str, seconds: float) -> Fault:
    return _on_wire("connections refused", service, server, seconds, lambda wire: wire.refuse())


def frozen(service: str, server: str, seconds: float) -> Fault:
    return _on_wire("half-open connections", service, server, seconds, lambda wire: wire.freeze())


def delayed(service: str, server: str, seconds: float, delay: float) -> Fault:
    return _on_wire("delay", service, server, seconds, lambda wire: wire.delay(delay))


def throttled(service: str, server: str, seconds: float, rate: int) -> Fault:
    return _on_wire("throttled", service, server, seconds, lambda wire: wire.throttle(rate))


def alarm(resource: str, seconds: float) -> Fault:
    """The broker stops reading from whoever publishes."""
    raised, lowered = {
        "memory": (["set_vm_memory_high_watermark", "0.000001"], ["set_vm_memory_high_watermark", "0.6"]),
        "disk": (["set_disk_free_limit", "mem_relative", "1000.0"], ["set_disk_free_limit", "64MB"]),
    }[resource]

    async def happen(world: World) -> None:
        await asyncio.to_thread(world.servers.rabbitmqctl, *raised)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(world.servers.rabbitmqctl, *lowered)

    return Fault(f"{resource} alarm", f"for {seconds:.0f} s", happen)


def away(service: str, seconds: float) -> Fault:
    """A participant is stopped, while its queue fills and deadlines pass."""

    async def happen(world: World) -> None:
        await asyncio.to_thread(world.services.stop, service)
        await asyncio.sleep(seconds)
        world.services.start(service)
        await world.ready(service)

    return Fault("participant away", f"{service} for {seconds:.0f} s", happen)


def skewed(service: str, days: int, seconds: float) -> Fault:
    """The service's clock is days ahead or behind, for a while."""

    async def happen(world: World) -> None:
        faked = ["env", f"LD_PRELOAD={LIBFAKETIME}", f"FAKETIME={days:+d}d", "DONT_FAKE_MONOTONIC=1"]
        for clock in (faked, []):
            world.commands.clocks[service] = clock
            world.services.kill(service)
            await asyncio.sleep(seconds)

    return Fault("clock skew", f"{service} {days:+d} day", happen)


def unbound(service: Service, queue: str, event: type[Event], seconds: float) -> Fault:
    """Somebody deletes a binding. Others still hear the event, so nobody notices: then everything is provisioned again,
    and, as the operations page says, what was said in the meantime is said again.
    """

    async def happen(world: World) -> None:
        since = datetime.now(UTC) - timedelta(seconds=5)
        async with _channel(world) as channel:
            await (await channel.get_queue(queue, ensure=False)).unbind(event.exchange, event.event_type)
        await asyncio.sleep(seconds)
        await world.deployment.provision()
        databases = Databases(world.deployment.administrator.postgres)
        await retell([service], databases, Span(since, event_type=event.event_type))

    return Fault("binding lost", f"{event.event_type} → {queue}", happen)


def unheard(service: Service, event: type[Event], seconds: float) -> Fault:
    """Somebody deletes all bindings for an event, and the queue for what nobody hears: it can't be routed, and comes
    back. Then everything is provisioned again. While only some hearers are bound, nothing is published.
    """

    async def happen(world: World) -> None:
        wire = world.wires[f"{service.name}-broker"]
        wire.refuse()
        async with _channel(world) as channel:
            await channel.queue_delete(UNROUTED)
            hearers = [other.name for other in world.deployment.services if event in other.heard]
            for queue, key in [(parrot.QUEUE, "#"), *((name, event.event_type) for name in hearers)]:
                await (await channel.get_queue(queue, ensure=False)).unbind(event.exchange, key)
        wire.heal()
        await asyncio.sleep(seconds)
        wire.refuse()
        await world.deployment.provision()
        await world.parrot.prepare()
        # as the operations page says, instead of waiting for a minute
        await world.ask(service.name, "UPDATE saga.outbox SET due_at = '-infinity', returns = 0")
        wire.heal()

    return Fault("nobody bound", event.event_type, happen)


@asynccontextmanager
async def _channel(world: World) -> AsyncIterator[AbstractChannel]:
    """Somebody's, who may do anything."""
    async with await connect(world.amqp, "somebody") as connection:
        yield await connection.channel()


def _on_wire(kind: str, service: str, server: str, seconds: float, hurt: Callable[[Wire], None]) -> Fault:
    async def happen(world: World) -> None:
        wire = world.wires[f"{service}-{server}"]
        hurt(wire)
        await asyncio.sleep(seconds)
        wire.heal()

    return Fault(kind, f"{service} and its {server}, {seconds:.0f} s", happen)
