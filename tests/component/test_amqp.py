"""The connection for whom every message passes by, on a real broker."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import aio_pika
import pytest
from aio_pika import Message
from aio_pika.abc import AbstractQueue

from infra.local.servers import Servers
from saga.amqp import Connection, Content, Received, Refused, connect
from saga.amqp.window import NotTaken
from saga.broker import open_stream
from saga.errors import BrokerAway, CannotStart
from saga.testing import eventually

SIZES = (0, 1, 131_063, 131_064, 131_065, 1_000_000)
"""Bytes: around what fits into a frame, and what doesn't."""


@asynccontextmanager
async def connected(servers: Servers) -> AsyncIterator[Connection]:
    connection = await connect(servers.amqp, "test")
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def queue(servers: Servers, **arguments: object) -> AsyncIterator[AbstractQueue]:
    """A queue that is gone afterwards."""
    async with await aio_pika.connect(servers.amqp) as connection:
        channel = await connection.channel()
        made = await channel.declare_queue(f"test-{uuid4()}", durable=True, arguments=dict(arguments))  # type: ignore[arg-type] # strings and numbers
        try:
            yield made
        finally:
            await made.delete(if_unused=False, if_empty=False)


def content(body: bytes, message_id: str) -> Content:
    return Content.of(Message(body, message_id=message_id))


async def test_bodies_of_any_size_go_out_and_come_in(servers: Servers) -> None:
    async with queue(servers) as made, connected(servers) as connection:
        heard: list[Received] = []
        await connection.confirm_publishes()
        window = [("", made.name, content(b"x" * size, str(size))) for size in SIZES]
        assert sorted((await connection.publish(window, timeout=10)).confirmed) == list(range(len(SIZES)))
        await connection.consume(made.name, 100, heard.append, lambda: None)

        async def all_heard() -> bool:
            return len(heard) == len(SIZES)

        await eventually(all_heard)
        assert [(message.message_id, len(message.body)) for message in heard] == [(str(size), size) for size in SIZES]
        connection.ack(heard[-1].tag, multiple=True)
    async with connected(servers) as connection:
        with pytest.raises(Refused, match="no queue") as refused:
            await connection.waiting(made.name)
        assert refused.value.is_final


async def test_a_message_without_a_queue_comes_back_and_the_others_arrive(servers: Servers) -> None:
    async with queue(servers) as made, connected(servers) as connection:
        await connection.confirm_publishes()
        names = (made.name, "nobody", made.name, "nobody")
        window = [("", name, content(b"", str(number))) for number, name in enumerate(names)]
        outcome = await connection.publish(window, timeout=10)
        assert (sorted(outcome.confirmed), outcome.returned, outcome.lost) == ([0, 2], [1, 3], None)
        assert await connection.waiting(made.name) == 2


async def test_what_a_full_queue_refuses_is_lost(servers: Servers) -> None:
    full = {"x-max-length": 1, "x-overflow": "reject-publish"}
    async with queue(servers, **full) as made, connected(servers) as connection:
        await connection.confirm_publishes()
        window = [("", made.name, content(b"", str(number))) for number in range(5)]
        outcome = await connection.publish(window, timeout=10)
        assert isinstance(outcome.lost, NotTaken)
        assert 1 <= len(outcome.confirmed) < 5


async def test_who_consumes_is_told_when_the_queue_is_gone(servers: Servers) -> None:
    over = asyncio.Event()
    async with AsyncExitStack() as stack:
        made = await stack.enter_async_context(queue(servers))
        connection = await stack.enter_async_context(connected(servers))
        await connection.consume(made.name, 10, lambda _: None, over.set)
        await made.delete(if_unused=False, if_empty=False)
        async with asyncio.timeout(10):
            await over.wait()
    assert "cancelled" in str(connection.lost)


async def test_a_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port behind which nobody speaks AMQP."""
    monkeypatch.setattr("saga.amqp.connection._CONNECTING", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(BrokerAway, match="does not answer"):
            await open_stream(f"amqp://127.0.0.1:{port}/", "test")


async def test_a_connection_may_be_encrypted(servers: Servers, tmp_path: Path) -> None:
    """The server must be the one that its certificate says; whose certificate is to be believed, the URL may tell."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    told = [
        "-x509",
        "-nodes",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-days",
        "1",
        "-subj",
        "/CN=broker",
    ]
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    making = await asyncio.create_subprocess_exec("openssl", "req", *told, *names, stderr=asyncio.subprocess.DEVNULL)
    assert await making.wait() == 0
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    parts = urlsplit(servers.amqp)

    async def forward(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        try:
            while piece := await source.read(65_536):
                to.write(piece)
                await to.drain()
        finally:
            to.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(parts.hostname, parts.port)
        await asyncio.gather(forward(reader, back), forward(there, writer), return_exceptions=True)

    async with await asyncio.start_server(relay, "127.0.0.1", 0, ssl=context) as proxy:
        port = proxy.sockets[0].getsockname()[1]
        url = urlunsplit(("amqps", f"{parts.username}:{parts.password}@127.0.0.1:{port}", parts.path, "", ""))
        with pytest.raises(BrokerAway, match="does not answer"):
            await open_stream(url, "test")
        connection = await open_stream(f"{url}?cafile={certificate}", "test")
        with pytest.raises(Refused, match="no queue"):
            await connection.waiting("nowhere")


async def test_who_is_refused_learns_what_to_do(servers: Servers) -> None:
    parts = urlsplit(servers.amqp)
    wrong = urlunsplit(parts._replace(netloc=f"nobody:wrong@{parts.hostname}:{parts.port}"))
    elsewhere = urlunsplit(parts._replace(path="/no-such-vhost"))
    for url in (wrong, elsewhere):
        with pytest.raises(CannotStart, match=r"refuses user .* check the password"):
            await open_stream(url, "test")
