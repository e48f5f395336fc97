"""The tests' own wires do what they say, or the tests of faults would prove nothing."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import pytest

from infra.local.ports import LOOPBACK
from saga.testing import eventually
from tests.fault.wires import Wire, Wires

QUIET = 0.15
"""Seconds without a word, after which it is taken for silence."""


@dataclass
class Echo:
    """A server that says everything back."""

    port: int = 0
    said: int = 0
    open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open.add(writer)
        try:
            while data := await reader.read(65_536):
                self.said += len(data)
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            self.open.discard(writer)
            writer.close()


@dataclass
class Client:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, words: bytes) -> bytes:
        self.writer.write(words)
        return await asyncio.wait_for(self.reader.readexactly(len(words)), 5)

    async def hears_nothing(self) -> bool:
        """Neither an answer nor an end."""
        self.writer.write(b"hello?")
        try:
            await asyncio.wait_for(self.reader.read(1), QUIET)
        except TimeoutError:
            return True
        return False


Connect = Callable[[Wire], Awaitable[Client]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    clients: list[Client] = []

    async def connect(wire: Wire) -> Client:
        clients.append(client := Client(*await asyncio.open_connection(LOOPBACK, wire.port)))
        return client

    yield connect
    for client in clients:
        client.writer.transport.abort()


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    echo = Echo()
    server = await asyncio.start_server(echo.serve, LOOPBACK, 0)
    echo.port = server.sockets[0].getsockname()[1]
    yield echo
    server.close()
    for writer in list(echo.open):
        writer.transport.abort()


@pytest.fixture
def wire(echo: Echo) -> Iterator[Wire]:
    with Wires() as wires:
        yield wires.lay("echo", f"tcp://{LOOPBACK}:{echo.port}")


async def test_a_url_leads_through_the_wire_and_keeps_its_other_parts(wire: Wire) -> None:
    assert wire.through("amqp://me:p%2Fw@broker:5672/v?x=1") == f"amqp://me:p%2Fw@{LOOPBACK}:{wire.port}/v?x=1"
    assert wire.through("http://broker:1") == f"http://{LOOPBACK}:{wire.port}"


async def test_a_whole_wire_carries_everything_both_ways_and_the_end(wire: Wire, echo: Echo, connect: Connect) -> None:
    client = await connect(wire)
    words = bytes(range(256)) * 20_000
    assert await client.ask(words) == words
    client.writer.write_eof()
    assert await client.reader.read() == b""
    client.writer.close()
    await eventually(lambda: _is(not echo.open and wire.connections() == 0))


async def test_a_cut_resets_both_ends_and_lets_new_ones_through(wire: Wire, echo: Echo, connect: Connect) -> None:
    client = await connect(wire)
    await client.ask(b"hello")
    wire.cut()
    with pytest.raises(ConnectionResetError):
        await client.reader.read()
    await eventually(lambda: _is(not echo.open))
    assert await (await connect(wire)).ask(b"again") == b"again"


async def test_who_connects_to_a_refusing_wire_is_refused_until_it_heals(wire: Wire, connect: Connect) -> None:
    client = await connect(wire)
    await client.ask(b"hello")
    wire.refuse()
    with pytest.raises(ConnectionResetError):
        await client.reader.read()
    with pytest.raises(ConnectionRefusedError):
        await connect(wire)
    wire.heal()
    assert await (await connect(wire)).ask(b"again") == b"again"


async def test_a_frozen_wire_is_silent_and_closes_nothing(wire: Wire, echo: Echo, connect: Connect) -> None:
    client = await connect(wire)
    await client.ask(b"hello")
    wire.freeze()
    assert await client.hears_nothing()
    assert await (await connect(wire)).hears_nothing()
    assert (len(echo.open), echo.said) == (1, len(b"hello"))


async def test_what_was_frozen_stays_silent_on_a_healed_wire_while_new_ones_talk(
    wire: Wire, echo: Echo, connect: Connect
) -> None:
    client = await connect(wire)
    await client.ask(b"hello")
    wire.freeze()
    late = await connect(wire)
    assert await late.hears_nothing()
    wire.heal()
    assert await client.hears_nothing()
    assert await late.hears_nothing()
    assert await (await connect(wire)).ask(b"again") == b"again"
    assert echo.said == len(b"hello") + len(b"again")


async def test_the_server_hears_that_a_frozen_client_gave_up_when_the_wire_is_healed(
    wire: Wire, echo: Echo, connect: Connect
) -> None:
    client = await connect(wire)
    await client.ask(b"hello")
    wire.freeze()
    client.writer.close()
    await asyncio.sleep(QUIET)
    assert len(echo.open) == 1
    wire.heal()
    await eventually(lambda: _is(not echo.open and wire.connections() == 0))


async def test_a_frozen_client_never_hears_that_its_server_ended(wire: Wire, echo: Echo, connect: Connect) -> None:
    client = await connect(wire)
    await client.ask(b"hello")
    wire.freeze()
    for writer in list(echo.open):
        writer.transport.abort()
    assert await client.hears_nothing()
    wire.heal()
    assert await client.hears_nothing()


async def test_a_delay_is_for_one_direction_or_for_both(wire: Wire, echo: Echo, connect: Connect) -> None:
    client = await connect(wire)
    wire.delay(0.5, "client")
    heard, answered = await _lateness(client, echo)
    assert heard < 0.5 <= answered
    wire.heal()
    wire.delay(0.5, "server")
    heard, _ = await _lateness(client, echo)
    assert heard >= 0.5
    wire.delay(0.5)
    _, answered = await _lateness(client, echo)
    assert answered >= 1
    wire.heal()
    _, answered = await _lateness(client, echo)
    assert answered < 0.5


async def test_delayed_words_arrive_in_order_and_side_by_side(wire: Wire, connect: Connect) -> None:
    """A delay is no bottleneck: a hundred words that are said one after the other are late by one delay."""
    wire.delay(0.1, "server")
    client = await connect(wire)
    began = time.monotonic()
    for number in range(100):
        client.writer.write(b"%03d" % number)
        await asyncio.sleep(0)
    heard = await client.reader.readexactly(300)
    assert heard == b"".join(b"%03d" % number for number in range(100))
    assert 0.1 <= time.monotonic() - began < 2


async def test_a_throttle_lets_so_many_bytes_through_and_healing_opens_it_at_once(
    wire: Wire, echo: Echo, connect: Connect
) -> None:
    wire.throttle(10_000)
    client = await connect(wire)
    began = time.monotonic()
    client.writer.write(bytes(50_000))
    await eventually(lambda: _is(echo.said >= 3_000))
    assert time.monotonic() - began >= 0.3
    wire.heal()
    await asyncio.wait_for(client.reader.readexactly(50_000), 2)


async def test_where_nobody_listens_the_client_is_reset(echo: Echo, connect: Connect) -> None:
    with Wires() as wires:
        nowhere = wires.lay("nowhere", f"tcp://{LOOPBACK}:1")
        with pytest.raises(ConnectionResetError):
            await (await connect(nowhere)).reader.read()


async def _lateness(client: Client, echo: Echo) -> tuple[float, float]:
    """Seconds until the server has heard something, and until its answer is there."""
    began, before = time.monotonic(), echo.said
    client.writer.write(b"how late?")
    await eventually(lambda: _is(echo.said > before))
    heard = time.monotonic() - began
    await client.reader.readexactly(len(b"how late?"))
    return heard, time.monotonic() - began


async def _is(truth: bool) -> bool:  # noqa: FBT001 — what it is asked
    return truth


@pytest.mark.parametrize("state", ["whole", "frozen"])
def test_nobody_is_left_on_a_wire_that_ends_not_even_who_was_just_accepted(state: str) -> None:
    """A reset is an end too, whenever it is noticed; a client that still waits for one is what must not be."""
    for _ in range(30):
        with contextlib.suppress(ConnectionResetError), contextlib.ExitStack() as clients:
            with Wires() as wires:
                wire = wires.lay("one", f"tcp://{LOOPBACK}:1")
                if state == "frozen":
                    wire.freeze()
                client = clients.enter_context(socket.create_connection((LOOPBACK, wire.port), timeout=2))
            assert client.recv(1) == b""
