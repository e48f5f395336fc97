"""What can't be handled is tried again later, and at last put aside with all that a person needs to know."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast

import asyncpg
import pytest
from aio_pika import DeliveryMode
from aio_pika.abc import AbstractIncomingMessage
from dirty_equals import IsPartialDict, IsStr

from events import InvalidMessage, UnknownType
from saga.publisher import Outgoing, Publisher
from saga.retries import Retries
from saga.testing import enveloped
from tests.builders import order_placed

TIERS = (timedelta(seconds=5), timedelta(minutes=5))
BODY = b"\xff whatever it is"


class Broker:
    """The port: remembers what was published, as if each had been confirmed."""

    def __init__(self) -> None:
        self.published: list[Outgoing] = []

    async def publish_one(self, out: Outgoing) -> None:
        self.published.append(out)


def delivered(
    exchange: str = "orders", headers: dict[str, object] | None = None, **properties: object
) -> AbstractIncomingMessage:
    usual = SimpleNamespace(
        body=BODY,
        exchange=exchange,
        routing_key="order.placed.v1" if exchange == "orders" else "inventory",
        headers=headers or {},
        content_type="text/plain",
        message_id="m-1",
        correlation_id="c-1",
        type="order.placed.v1",
        timestamp=datetime(2026, 10, 31, tzinfo=UTC),
        app_id="till",
        user_id="publisher",
    )
    return cast(AbstractIncomingMessage, SimpleNamespace(**vars(usual) | properties))


async def failed(
    message: AbstractIncomingMessage, error: Exception | None = None, tiers: tuple[timedelta, ...] = TIERS
) -> Outgoing:
    """What is sent on when its handler fails."""
    broker = Broker()
    await Retries("inventory", cast(Publisher, broker), tiers).fail(message, error or ValueError("no luck"))
    (out,) = broker.published
    return out


def again(out: Outgoing) -> AbstractIncomingMessage:
    """The same message, when the tier has given it back."""
    return delivered("inventory.retry", dict(out.message.headers))


async def test_a_message_goes_from_tier_to_tier_and_then_aside() -> None:
    """Each through the service's own exchange; it stays one of where it was first published."""
    first = await failed(delivered())
    second = await failed(again(first))
    last = await failed(again(second))
    assert [(out.exchange, out.routing_key) for out in (first, second, last)] == [
        ("inventory.retry", "inventory.retry.5s"),
        ("inventory.retry", "inventory.retry.5m"),
        ("inventory.retry", "inventory.dead"),
    ]
    for attempt, out in enumerate((first, second, last), 1):
        assert out.message.headers == IsPartialDict(
            {
                "x-attempt": min(attempt, 2),
                "x-original-exchange": "orders",
                "x-original-routing-key": "order.placed.v1",
            }
        )


async def test_a_message_that_cannot_be_understood_is_put_aside_at_once() -> None:
    """Trying again is of no use."""
    out = await failed(delivered(), UnknownType("order.eaten.v1"))
    assert out.routing_key == "inventory.dead"
    assert out.message.headers["x-reason"] == "unknown event type 'order.eaten.v1'"


async def test_without_tiers_a_message_is_put_aside_at_once() -> None:
    assert (await failed(delivered(), tiers=())).routing_key == "inventory.dead"


async def test_a_conflict_without_tiers_is_put_aside_too() -> None:
    """There is nowhere to wait for the other transaction."""
    assert (
        await failed(delivered(), asyncpg.DeadlockDetectedError("deadlock detected"), tiers=())
    ).routing_key == "inventory.dead"


@pytest.mark.parametrize("forged", [99, -1000, "many"])
async def test_no_sender_decides_how_often_its_message_is_tried(forged: object) -> None:
    """A header of that name is a stranger's, unless it comes through our own exchange."""
    assert (await failed(delivered(headers={"x-attempt": forged}))).routing_key == "inventory.retry.5s"


async def test_the_message_itself_is_untouched() -> None:
    """Body and properties, so that it is handled in the end as if nothing had happened."""
    message = (await failed(delivered(headers={"ce-id": "e-1"}))).message
    assert (message.body, message.content_type, message.message_id) == (BODY, "text/plain", "m-1")
    assert (message.correlation_id, message.type, message.app_id) == ("c-1", "order.placed.v1", "till")
    assert (message.timestamp, message.delivery_mode) == (datetime(2026, 10, 31, tzinfo=UTC), DeliveryMode.PERSISTENT)
    assert message.headers["ce-id"] == "e-1"


async def test_who_published_it_is_told_in_a_header() -> None:
    """The property must name who publishes now."""
    message = (await failed(delivered())).message
    assert message.user_id is None
    assert message.headers["x-original-user"] == "publisher"


async def test_a_dead_letter_tells_what_happened() -> None:
    """The error's class, its text, a hash of where it was raised, how often it was tried, and when it ended."""
    try:
        raise KeyError("CHAIR")  # noqa: TRY301 — an error with a traceback
    except KeyError as error:
        out = await failed(delivered(), error, tiers=())
    assert out.message.headers == IsPartialDict(
        {
            "x-error": "KeyError",
            "x-reason": "KeyError: 'CHAIR'",
            "x-service": "inventory",
            "x-stack-hash": IsStr(regex="[0-9a-f]{12}"),
            "x-attempt": 0,
            "x-parked-at": IsStr(regex=r"\d{4}-\d\d-\d\dT.*\+00:00"),
        }
    )


@pytest.mark.parametrize("error", [ValueError("x" * 100_000), InvalidMessage("x" * 100_000)])
async def test_a_long_reason_is_cut(error: Exception) -> None:
    """Headers must fit into a frame."""
    assert len(str((await failed(delivered(), error)).message.headers["x-reason"])) == 1000


async def test_a_senders_own_headers_are_kept_as_far_as_they_leave_room_for_the_reason() -> None:
    """Neither a long one nor many of them can keep a message from being put aside."""
    many = {f"x-mine-{number}": number for number in range(1000)}
    headers = (await failed(delivered(headers={"x-long": "x" * 20_000, "ce-id": "e-1", **many}))).message.headers
    assert headers == IsPartialDict({"ce-id": "e-1", "x-mine-1": 1, "x-reason": "ValueError: no luck"})
    assert "x-long" not in headers
    assert len(headers) < 60


@pytest.mark.parametrize("value", ["😀" * 990, [1] * 300, [{"🎁": 2**40}] * 40, "x" * 990])
async def test_whatever_a_sender_writes_into_headers_the_message_fits_into_a_frame(value: object) -> None:
    """As bytes, as they go over the wire: a character may be four, and a number nine."""
    many = {f"{'é' * 120}-{number}": value for number in range(200)}
    out = await failed(delivered(headers=many), ValueError("😀" * 2_000))
    assert len(out.content.properties) < 131_072 / 2


async def test_a_reason_that_is_no_unicode_is_told_all_the_same() -> None:
    """The name of a file, for instance, may be any bytes. Else its message could neither be tried again nor parked."""
    out = await failed(delivered(), OSError("caf\udce9 a\0b"))
    assert out.message.headers["x-reason"] == "OSError: caf\\udce9 a\\x00b"
    assert b"caf" in out.content.properties


async def test_the_brokers_own_counts_begin_anew() -> None:
    """They were of the message that was acknowledged."""
    headers = (await failed(delivered(headers={"x-delivery-count": 7, "x-death": [{}]}))).message.headers
    assert not {"x-delivery-count", "x-death"} & headers.keys()


async def test_an_identity_that_was_derived_stays() -> None:
    """Whoever pasted bare data gave them neither id nor time: both stay what they were at first sight."""
    message, envelope = delivered(message_id=None, timestamp=None), enveloped(order_placed())
    broker = Broker()
    await Retries("inventory", cast(Publisher, broker), TIERS).fail(message, ValueError("no luck"), envelope)
    sent = broker.published[0].message
    assert (sent.message_id, sent.timestamp) == (envelope.id, envelope.time)
