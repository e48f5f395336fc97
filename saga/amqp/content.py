"""Messages on the wire: their properties, and where they go or come from."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from aio_pika import Message
from aio_pika.abc import HeadersType
from pamqp import commands
from pamqp.header import ContentHeader

_FLAGS = {name: 1 << (15 - position) for position, name in enumerate(commands.Basic.Properties.attributes())}
_CONTENT_TYPE, _HEADERS = _FLAGS["content_type"], _FLAGS["headers"]
_PERSISTENT = b"\x02"


@dataclass(frozen=True, slots=True)
class Content:
    """A message that goes out: its properties, encoded with their flags, and its body."""

    properties: bytes
    body: bytes
    message_id: str | None

    @classmethod
    def of(cls, message: Message) -> Self:
        """Whatever a message of the client library says."""
        header = ContentHeader(0, 0, message.properties).marshal()
        return cls(header[12:], message.body, message.message_id)

    @classmethod
    def persistent(
        cls,
        body: bytes,
        *,
        content_type: str,
        message_id: str,
        correlation_id: str,
        event_type: str,
        at: datetime,
        user: str,
        app: str,
    ) -> Self:
        """The properties of an event, in the order of their flags."""
        encoded = b"".join(
            (
                _EVENT,
                _short(content_type),
                _PERSISTENT,
                _short(correlation_id),
                _short(message_id),
                int(at.timestamp()).to_bytes(8),
                _short(event_type),
                _short(user),
                _short(app),
            )
        )
        return cls(encoded, body, message_id)


_EVENT = sum(
    _FLAGS[name]
    for name in (
        "content_type",
        "delivery_mode",
        "correlation_id",
        "message_id",
        "timestamp",
        "message_type",
        "user_id",
        "app_id",
    )
).to_bytes(2)


def _short(text: str) -> bytes:
    raw = text.encode()
    if len(raw) > _LONGEST:
        raw = fitting(text).encode()
    return bytes((len(raw),)) + raw


_LONGEST = 255


def fitting(text: str) -> str:
    """As much of it as a property holds, 255 bytes."""
    return text.encode()[:_LONGEST].decode(errors="ignore")


class Received:
    """A message that came in. What its sender said of it is read when somebody asks."""

    __slots__ = ("_header", "_properties", "body", "exchange", "routing_key", "tag")

    def __init__(self, tag: int, exchange: str, routing_key: str, header: bytes, body: bytes) -> None:
        self.tag = tag
        self.exchange = exchange
        self.routing_key = routing_key
        self.body = body
        self._header = header
        self._properties: commands.Basic.Properties | None = None

    @classmethod
    def delivered(cls, method: bytes, header: bytes, body: bytes) -> Self:
        """As the payload of the method `basic.deliver` says."""
        at = 5 + method[4]  # behind the consumer's tag
        exchange_at = at + 9  # behind the delivery's tag, and whether it was delivered before
        key_at = exchange_at + 1 + method[exchange_at]
        exchange = method[exchange_at + 1 : key_at].decode(errors="backslashreplace")
        routing_key = method[key_at + 1 : key_at + 1 + method[key_at]].decode(errors="backslashreplace")
        return cls(int.from_bytes(method[at : at + 8]), exchange, routing_key, header, body)

    @property
    def properties(self) -> commands.Basic.Properties:
        if self._properties is None:
            header = ContentHeader()
            header.unmarshal(self._header)
            self._properties = header.properties
        return self._properties

    @property
    def headers(self) -> HeadersType:
        return (self.properties.headers or {}) if self._header[12] & (_HEADERS >> 8) else {}

    @property
    def content_type(self) -> str | None:
        header = self._header
        if not header[12] & (_CONTENT_TYPE >> 8):
            return None
        return header[15 : 15 + header[14]].decode(errors="backslashreplace")

    @property
    def message_id(self) -> str | None:
        return self.properties.message_id

    @property
    def correlation_id(self) -> str | None:
        return self.properties.correlation_id

    @property
    def type(self) -> str | None:
        return self.properties.message_type

    @property
    def app_id(self) -> str | None:
        return self.properties.app_id

    @property
    def user_id(self) -> str | None:
        return self.properties.user_id

    @property
    def timestamp(self) -> datetime | None:
        at = self.properties.timestamp
        return at.replace(tzinfo=UTC) if at and at.tzinfo is None else at
