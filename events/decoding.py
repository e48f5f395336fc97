"""From the bytes of a broker's message to an event, or to a precise word of what is wrong.

Three forms come in: CloudEvents structured (one JSON object), CloudEvents binary (attributes as headers
`cloudEvents:*` or `ce-*`, https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/amqp-protocol-binding.md),
and a bare JSON body whose type is the routing key.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Generic, Literal, Protocol, TypeVar
from uuid import UUID, uuid5

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from events.envelope import CONTENT_TYPE, Attribute, Envelope, Time, envelopes_of
from events.errors import BodyTooLarge, InvalidContent, TypeMismatch, UnknownType
from events.event import Event

MAX_BODY = 1024 * 1024
"""Bytes. The largest valid order has about 40 kB."""

_PREFIXES = ("cloudEvents:", "cloudEvents_", "ce-")
_BARE_IDS = UUID("5b6a3f0e-7c7e-5b0d-9a53-3f1f1c9f6d3a")

E = TypeVar("E", bound=Event)


class Delivered(Protocol):
    """What the broker handed over, in words of no client library. `type` is the original routing key."""

    @property
    def type(self) -> str: ...
    @property
    def body(self) -> bytes: ...
    @property
    def content_type(self) -> str: ...
    @property
    def message_id(self) -> str: ...
    @property
    def app_id(self) -> str: ...
    @property
    def timestamp(self) -> datetime | None: ...
    @property
    def headers(self) -> Mapping[str, object]: ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """The same as values."""

    type: str
    body: bytes
    content_type: str = ""
    message_id: str = ""
    app_id: str = ""
    timestamp: datetime | None = None
    headers: Mapping[str, object] = field(default_factory=dict)


class _Attributes(BaseModel):
    """What may come in: only the four that CloudEvents demands must be there."""

    specversion: Literal["1.0"]
    id: Attribute
    source: Attribute
    type: Attribute
    time: Time | None = None
    causationid: Attribute | None = None
    traceparent: object = None


class _Structured(_Attributes, Generic[E]):
    data: E


class Decoder:
    """Understands the given event types, in every form, and no other."""

    def __init__(self, types: Iterable[type[Event]]) -> None:
        self._types = {event.event_type: event for event in types}

    def decode(self, delivery: Delivered) -> Envelope[Event]:
        """The event in its envelope, complete: what the sender left out is derived.

        Raises InvalidMessage, with a text for people, when the message can't be understood.
        """
        if len(delivery.body) > MAX_BODY:
            raise BodyTooLarge(len(delivery.body), MAX_BODY)
        event = self._types.get(delivery.type)
        if event is None:
            raise UnknownType(delivery.type)
        try:
            if delivery.content_type.startswith(CONTENT_TYPE):
                return _structured(event, delivery)
            if headers := _cloud_event_headers(delivery.headers):
                return _binary(event, headers, delivery)
            if _looks_structured(delivery.body):
                return _structured(event, delivery)
            return _bare(event, delivery)
        except ValidationError as error:
            raise InvalidContent.of(delivery.type, error) from None


def _structured(event: type[E], delivery: Delivered) -> Envelope[Event]:
    """What our own services say is complete, and says the same of itself as its data do."""
    try:
        whole = envelopes_of(event).validate_json(delivery.body, strict=True)
    except ValidationError:
        return _incomplete(event, delivery)
    is_told_alike = whole.type == delivery.type and whole.subject == whole.correlationid == whole.data.saga_id
    return whole if is_told_alike else _incomplete(event, delivery)


def _incomplete(event: type[E], delivery: Delivered) -> Envelope[Event]:
    try:
        message = _structured_model(event).model_validate_json(delivery.body, strict=True)
    except ValidationError:
        _refuse_mismatch(_stated_type(delivery.body), delivery)
        raise
    return _complete(message, message.data, delivery)


def _binary(event: type[E], headers: Mapping[str, str], delivery: Delivered) -> Envelope[Event]:
    attributes = _Attributes.model_validate(headers)
    _refuse_mismatch(attributes.type, delivery)
    return _complete(attributes, event.model_validate_json(delivery.body, strict=True), delivery)


def _bare(event: type[E], delivery: Delivered) -> Envelope[Event]:
    """Without a `message_id`, its type and saga identify it: pasted twice, it is one event."""
    data = event.model_validate_json(delivery.body, strict=True)
    identity = delivery.message_id or str(uuid5(_BARE_IDS, f"{delivery.type} {data.saga_id}"))
    source = delivery.app_id or "bare"
    attributes = _Attributes(specversion="1.0", id=identity, source=source, type=delivery.type)
    return _complete(attributes, data, delivery)


def _complete(attributes: _Attributes, data: E, delivery: Delivered) -> Envelope[Event]:
    """The data say which saga it is; a trace id of another shape than W3C's is none."""
    _refuse_mismatch(attributes.type, delivery)
    fields = {
        "id": attributes.id,
        "source": attributes.source,
        "type": attributes.type,
        "subject": data.saga_id,
        "time": attributes.time or delivery.timestamp or datetime.now(UTC),
        "correlationid": data.saga_id,
        "causationid": attributes.causationid,
        "data": data,
    }
    try:
        return envelopes_of(Event).validate_python(fields | {"traceparent": attributes.traceparent})
    except ValidationError:
        return envelopes_of(Event).validate_python(fields)


def _refuse_mismatch(stated: str | None, delivery: Delivered) -> None:
    """Else who may write to one exchange could speak in the name of another."""
    if stated is not None and stated != delivery.type:
        raise TypeMismatch(stated, delivery.type)


def _cloud_event_headers(headers: Mapping[str, object]) -> dict[str, str]:
    """What is said twice counts by its prefix, the binding's own first: brokers reorder headers."""
    return {
        name.removeprefix(prefix): value.decode(errors="replace")
        if isinstance(value, (bytes, bytearray))
        else str(value)
        for prefix in reversed(_PREFIXES)
        for name, value in headers.items()
        if name.startswith(prefix) and value is not None
    }


def _looks_structured(body: bytes) -> bool:
    """A person may paste a whole CloudEvent into a form that sets no content type."""
    return b'"specversion"' in body and _stated_type(body) is not None


def _stated_type(body: bytes) -> str | None:
    try:
        content = from_json(body)
    except ValueError:
        return None
    stated = content.get("type") if isinstance(content, dict) else None
    return stated if isinstance(stated, str) else None


@cache
def _structured_model(event: type[E]) -> type[_Structured[E]]:
    return _Structured[event]  # type: ignore[valid-type] # made for each event type, at run time
