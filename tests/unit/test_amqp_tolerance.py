"""What a sender may do to a message's properties, and what is made of it."""

import struct
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from pamqp.header import ContentHeader

from saga.amqp_tolerance import DEEPEST
from saga.retries import copied
from tests.fuzz import wire
from tests.fuzz.wire import Wired, received


def headers_of(*fields: tuple[bytes, bytes]) -> dict[str, object]:
    return dict(received(Wired("k", b"", headers=fields)).headers)


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (wire.text("till"), "till"),
        (b"S" + wire.long(b"\xff\xfe"), r"\xff\xfe"),
        (b"x" + wire.long(b"\xff"), bytearray(b"\xff")),
        (b"T" + (1_700_000_000).to_bytes(8), datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        (b"T" + b"\xff" * 8, None),
        (b"D\x02" + (1999).to_bytes(4), Decimal("19.99")),
        (b"l" + b"\xff" * 8, -1),
        (b"i" + b"\xff" * 4, 2**32 - 1),
        (b"t\x01", True),
        (b"V", None),
        (b"A" + wire.long(b"V" + wire.text("a")), [None, "a"]),
        (b"F" + wire.table((b"a", b"b\xff"), (b"b", b"V")), {"a": -1, "b": None}),
        (b"?" + wire.long(b"of a type that is not known"), None),
    ],
)
def test_a_header_of_any_type_is_read(sent: bytes, read: object) -> None:
    """What Python can't show is missing, and what comes after it is read as well."""
    assert headers_of((b"odd", sent), (b"next", wire.text("there"))) == {"odd": read, "next": "there"}


def test_names_may_be_any_bytes_and_stay_different() -> None:
    assert headers_of((b"\xff", b"V"), (b"\xfe", b"V"), (b"", b"V")) == {r"\xff": None, r"\xfe": None, "": None}


@pytest.mark.parametrize("kind", [b"F", b"A"])
def test_what_is_nested_beyond_reason_is_missing(kind: bytes) -> None:
    """However deep it is, it costs nobody the connection, and the headers beside it are there."""
    headers = headers_of((b"deep", wire.nested(5_000, kind)), (b"next", b"t\x01"))
    assert str(headers["deep"]).count("[" if kind == b"A" else "{") == DEEPEST - 1
    assert headers["next"] is True


def test_an_identity_that_is_no_text_stays_different_from_others() -> None:
    """Else the second of two would be taken for the first, and never be handled."""
    ids = [received(Wired("k", b"", {"message_id": wire.short(raw)})).message_id for raw in (b"\xff\xfe", b"\xfe\xff")]
    assert ids == [r"\xff\xfe", r"\xfe\xff"]


@pytest.mark.parametrize("value", [1e300, float("nan"), 0.1], ids=str)
def test_whatever_was_read_can_be_sent_on(value: float) -> None:
    """To a retry tier or the dead letters, with all its headers and as much of its properties as fits."""
    properties = dict.fromkeys(
        ("message_id", "app_id", "type", "correlation_id", "content_type"), wire.short(b"\xff" * 255)
    )
    sent = Wired("k", b"", properties, ((b"d", b"d" + _double(value)), (b"s", b"S" + wire.long(b"\xff"))))
    copy = copied(received(sent), ("orders", "k"), {}, None)
    assert ContentHeader(0, 0, copy.properties).marshal()
    assert copy.message_id is not None
    assert len(copy.message_id.encode()) == 255


def _double(value: float) -> bytes:
    return struct.pack(">d", value)
