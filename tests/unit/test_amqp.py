"""What goes over the wire, and what is made of it, against the client library's own understanding."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from aio_pika import DeliveryMode, Message
from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp import body, commands, frame
from pamqp.header import ContentHeader

from saga.amqp import Connection, Content, Received, Refused, Window
from saga.amqp.window import Confirms, NotTaken
from tests.fuzz import hostile, wire

AT = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
PROPERTIES = ("headers", "content_type", "message_id", "correlation_id", "type", "app_id", "timestamp")


def test_an_event_has_the_properties_that_the_client_library_would_send() -> None:
    """But for an empty table of headers and a priority of 0, which mean nothing."""
    content = Content.persistent(
        b"{}", content_type="t/j", correlation_id="s-1", message_id="ø-1", at=AT, event_type="a.b.v1", user="u", app="x"
    )
    message = Message(
        b"{}",
        content_type="t/j",
        delivery_mode=DeliveryMode.PERSISTENT,
        correlation_id="s-1",
        message_id="ø-1",
        timestamp=AT,
        type="a.b.v1",
        user_id="u",
        app_id="x",
    )
    expected = message.properties
    expected.headers = expected.priority = None
    assert content.properties == ContentHeader(properties=expected).marshal()[12:]
    assert (content.body, content.message_id) == (b"{}", "ø-1")


def test_an_id_that_no_property_holds_is_cut_off() -> None:
    """A property has 255 bytes, and a saga's id as many characters. Its envelope has all of it."""
    content = Content.persistent(
        b"{}", content_type="t/j", correlation_id="é" * 255, message_id="m", at=AT, event_type="a", user="u", app="x"
    )
    header = ContentHeader()
    header.unmarshal(ContentHeader(0, 2).marshal()[:12] + content.properties)
    assert (header.properties.correlation_id, header.properties.app_id) == ("é" * 127, "x")


def test_a_message_is_read_as_the_client_library_reads_it() -> None:
    """However odd its sender has made it."""
    for sent in hostile.messages(seed=20261123, count=300):
        theirs, ours = wire.received(sent), wire.delivered(sent)
        for name in PROPERTIES:
            assert repr(getattr(ours, name) or None) == repr(getattr(theirs, name) or None), name


class Transport(asyncio.Transport):
    """The port: what was written, and that nobody answers."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.is_over = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.is_over:
            raise RuntimeError("the handler is closed")  # as uvloop's
        self.written += data

    def abort(self) -> None:
        self.is_over = True


def _connection() -> tuple[Connection, list[Received], Transport]:
    heard: list[Received] = []
    connection, transport = Connection(), Transport()
    connection.connection_made(transport)
    connection._deliver = heard.append
    return connection, heard, transport


def _delivery(tag: int, raw: bytes, most: int) -> bytes:
    """As a broker sends it, with at most so many bytes of the body in a frame."""
    method = commands.Basic.Deliver("me", tag, redelivered=False, exchange="orders", routing_key="order.placed.v1")
    header = ContentHeader(0, len(raw), commands.Basic.Properties(message_id=str(tag)))
    parts = [raw[at : at + most] for at in range(0, len(raw), most)]
    frames = [frame.marshal(method, 1), frame.marshal(header, 1)]
    return b"".join([*frames, *(frame.marshal(body.ContentBody(part), 1) for part in parts)])


@settings(deadline=None)
@given(
    bodies=st.lists(st.binary(max_size=40), max_size=5),
    most=st.integers(1, 50),
    cuts=st.lists(st.integers(1, 200), max_size=30),
)
async def test_messages_are_whole_however_the_stream_is_cut(bodies: list[bytes], most: int, cuts: list[int]) -> None:
    connection, heard, _ = _connection()
    stream = b"".join(_delivery(tag, raw, most) for tag, raw in enumerate(bodies, 1))
    for cut in [*cuts, len(stream)]:
        piece, stream = stream[:cut], stream[cut:]
        if piece:
            connection.data_received(piece)
    assert [(m.tag, m.body, m.message_id) for m in heard] == [(n, b, str(n)) for n, b in enumerate(bodies, 1)]


async def test_what_is_published_is_what_the_client_library_would_write() -> None:
    connection, _, transport = _connection()
    content = Content.of(Message(b"x" * 300_000, message_id="m"))
    publishing = asyncio.create_task(connection.publish([("orders", "order.placed.v1", content)], timeout=5))
    await asyncio.sleep(0)
    method = commands.Basic.Publish(exchange="orders", routing_key="order.placed.v1", mandatory=True)
    header = ContentHeader(0, 300_000, Message(b"", message_id="m").properties)
    most = 131_072 - 8
    sizes = (most, most, 300_000 - 2 * most)
    bodies = [frame.marshal(body.ContentBody(b"x" * size), 1) for size in sizes]
    assert transport.written == b"".join([frame.marshal(method, 1), frame.marshal(header, 1), *bodies])
    connection.data_received(frame.marshal(commands.Basic.Ack(1, multiple=False), 1))
    assert await publishing == Window([0], [], None)


@pytest.mark.parametrize("multiple", [True, False])
async def test_what_is_acknowledged_is_told_as_the_client_library_would(*, multiple: bool) -> None:
    connection, _, transport = _connection()
    connection.ack(2**40 + 5, multiple=multiple)
    assert transport.written == frame.marshal(commands.Basic.Ack(2**40 + 5, multiple), 1)


async def test_who_waits_learns_that_the_connection_is_lost() -> None:
    connection, _, _ = _connection()
    over: list[bool] = []
    connection._over = lambda: over.append(True)
    publishing = asyncio.create_task(connection.publish([("x", "k", _content("1"))], timeout=5))
    asking = asyncio.create_task(connection.waiting("q"))
    await asyncio.sleep(0)
    connection.connection_lost(None)
    window = await publishing
    assert (window.confirmed, window.returned, type(window.lost)) == ([], [], ConnectionResetError)
    with pytest.raises(ConnectionResetError):
        await asking
    assert over == [True]
    assert (await connection.publish([("x", "k", _content("2"))], timeout=5)).lost is not None


async def test_who_comes_too_late_harms_nobody() -> None:
    """A batch may take longer than its connection lasts; and what is asked next is told, by no answer of before."""
    connection, _, transport = _connection()
    asking = asyncio.create_task(connection.waiting("q"))
    await asyncio.sleep(0)
    answer = commands.Queue.DeclareOk("q", message_count=3, consumer_count=0)
    farewell = commands.Connection.Close(320, "shutdown", 0, 0)
    connection.data_received(frame.marshal(answer, 1) + frame.marshal(farewell, 0))
    assert await asking == 3
    transport.written = b""
    connection.ack(7, multiple=True)
    for question in (connection.waiting("q"), connection.confirm_publishes()):
        with pytest.raises(Refused, match="shutdown"):
            await question
    assert transport.written == b""


async def test_a_question_without_an_answer_ends_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the answer might come later, and be taken for that to the next question; and nobody would close it."""
    monkeypatch.setattr("saga.amqp.connection._ANSWERING", 0.01)
    connection, _, _ = _connection()
    with pytest.raises(TimeoutError):
        await connection.confirm_publishes()
    assert isinstance(connection.lost, ConnectionAbortedError)


async def test_who_stops_waiting_for_an_answer_ends_the_connection() -> None:
    connection, _, _ = _connection()
    asking = asyncio.create_task(connection.waiting("q"))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert isinstance(connection.lost, ConnectionAbortedError)


async def _told(count: int, *told: tuple[int, bool, bool]) -> Window:
    """What becomes of a window of so many messages by `(number, multiple, taken)`."""
    confirms = Confirms()
    window = confirms.expect([_content(str(number)) for number in range(1, count + 1)])
    for number, multiple, taken in told:
        confirms.told(number, multiple=multiple, taken=taken)
    assert window.told.done()
    return window.outcome(None)


@pytest.mark.parametrize(
    "told",
    [
        [(3, True, True)],
        [(1, False, True), (3, True, True)],
        [(3, False, True), (1, False, True), (2, False, True)],
        [(2, True, True), (2, True, True), (3, True, True)],
    ],
)
async def test_confirms_come_in_any_order_alone_or_together(told: Sequence[tuple[int, bool, bool]]) -> None:
    assert sorted((await _told(3, *told)).confirmed) == [0, 1, 2]


async def test_what_the_broker_could_not_take_is_its_fault() -> None:
    window = await _told(3, (2, False, False), (3, True, True))
    assert (sorted(window.confirmed), type(window.lost)) == ([0, 2], NotTaken)


async def test_what_came_back_counts_as_returned_though_it_is_confirmed() -> None:
    confirms = Confirms()
    earlier = confirms.expect([_content("a"), _content("b")])
    later = confirms.expect([_content("a")])
    confirms.returned("b")
    confirms.returned("a")
    confirms.told(3, multiple=True, taken=True)
    assert earlier.outcome(None) == Window([], [0, 1], None)
    assert later.outcome(None) == Window([0], [], None)


async def test_of_a_lost_connection_is_known_what_was_told_before() -> None:
    confirms = Confirms()
    window = confirms.expect([_content("a"), _content("b")])
    confirms.told(1, multiple=False, taken=True)
    confirms.lose(gone := ConnectionResetError())
    assert window.told.exception() is gone
    assert window.outcome(gone) == Window([0], [], gone)


async def test_a_window_of_nothing_is_confirmed_at_once() -> None:
    assert await _told(0) == Window([], [], None)


def _content(message_id: str) -> Content:
    return Content(b"\x00\x00", b"", message_id)
