"""Where a message goes that can't be handled: a retry tier, or the dead-letter queue."""

import hashlib
import traceback
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import structlog
from aio_pika import DeliveryMode, Message
from aio_pika.abc import HeadersType
from pamqp import encode

from events import InvalidMessage
from saga import faultpoints
from saga.amqp.content import fitting
from saga.broker import Incoming, Names, short
from saga.database import CONFLICTS
from saga.errors import HeldBack
from saga.faultpoints import Point
from saga.metrics import PARKED, RETRIED
from saga.publisher import Outgoing, Publisher
from saga.tracing import trace_id

log = structlog.get_logger()

ATTEMPT = "x-attempt"
EXCHANGE = "x-original-exchange"
ROUTING_KEY = "x-original-routing-key"
REASON = "x-reason"
ERROR = "x-error"
STACK_HASH = "x-stack-hash"
RETRIED_AT = "x-retried-at"
PARKED_AT = "x-parked-at"
REPLAYED_AT = "x-replayed-at"
DISCARDED_AT = "x-discarded-at"
_TOLD = (ATTEMPT, REASON, ERROR, STACK_HASH, RETRIED_AT, PARKED_AT, REPLAYED_AT, DISCARDED_AT)
_MOST_HEADERS = 40
_LONGEST_HEADER = 1_000
"""Bytes. A sender's further and longer headers are dropped, so that a message always fits with its reason."""
_BROKERS_OWN = ("x-death", "x-first-death", "x-last-death", "x-delivery-count", "x-acquired-count")


class Known(Protocol):
    """What is needed of what a message was understood as."""

    @property
    def id(self) -> str: ...
    @property
    def time(self) -> datetime: ...
    @property
    def saga_id(self) -> str: ...
    @property
    def traceparent(self) -> str | None: ...


class Retries:
    """Sends messages on through the service's own direct exchange, body untouched, and returns after the confirm."""

    def __init__(self, service: str, publisher: Publisher, tiers: tuple[timedelta, ...]) -> None:
        self._names = Names(service)
        self._publisher = publisher
        self._tiers = tiers
        for tier in tiers:
            RETRIED.labels(service, short(tier))  # there from the start, as 0

    async def fail(self, message: Incoming, error: Exception, envelope: Known | None = None) -> None:
        """Have it tried again later; after the last tier, or if trying is of no use, park it.

        `envelope` is what it was understood as: its identity and time stay, also where they were derived.
        """
        attempt = attempts(message, self._names)
        if isinstance(error, CONFLICTS) and self._tiers:  # another's fault: it costs no attempt, and holds up nobody
            await self._retry(message, error, self._tiers[0], attempt, envelope)
        elif isinstance(error, InvalidMessage) or attempt >= len(self._tiers):
            await self._park(message, error, attempt, envelope)
        else:
            await self._retry(message, error, self._tiers[attempt], attempt + 1, envelope)

    async def hold_back(self, message: Incoming, step: str, envelope: Known) -> None:
        """Have it come again after the longest pause, as often as it takes: that costs no attempt."""
        attempt = attempts(message, self._names)
        await self._retry(message, HeldBack(step), self._tiers[-1], attempt, envelope)

    async def _retry(
        self,
        message: Incoming,
        error: Exception,
        pause: timedelta,
        attempt: int,
        envelope: Known | None,
    ) -> None:
        await self._send(
            message, self._names.tier(pause), _told(error) | {ATTEMPT: attempt, RETRIED_AT: now()}, envelope
        )
        RETRIED.labels(self._names.service, short(pause)).inc()
        told = {"attempt": attempt, "tier": short(pause), "cause": _text(error)}
        log.warning("event.retried", message_id=message.message_id, **_about(envelope), **told)

    async def _park(self, message: Incoming, error: Exception, attempt: int, envelope: Known | None) -> None:
        told = _told(error) | {ATTEMPT: attempt, PARKED_AT: now()}
        await self._send(message, self._names.dead, told, envelope)
        PARKED.labels(self._names.service, type(error).__name__).inc()
        log.error("event.parked", message_id=message.message_id, **_about(envelope), reason=_text(error))

    async def _send(
        self,
        message: Incoming,
        routing_key: str,
        told: dict[str, Any],
        envelope: Known | None,
    ) -> None:
        copy = copied(message, origin(message, self._names), told | {"x-service": self._names.service}, envelope)
        faultpoints.reach(Point.DIVERTING)
        await self._publisher.publish_one(Outgoing(copy, self._names.retry_exchange, routing_key))
        faultpoints.reach(Point.DIVERTED)


def copied(message: Incoming, came_from: tuple[str, str], told: dict[str, Any], envelope: Known | None) -> Message:
    """The same message on its way through the service's own exchange, with what there is to tell in its headers."""
    exchange, routing_key = came_from
    headers = _kept(message.headers) | {EXCHANGE: exchange, ROUTING_KEY: routing_key}
    if message.user_id:
        headers["x-original-user"] = message.user_id  # the property must name who publishes
    return Message(
        message.body,
        headers=headers | told,
        content_type=_fitting(message.content_type),
        delivery_mode=DeliveryMode.PERSISTENT,
        message_id=_fitting(message.message_id or (envelope.id if envelope else None)),
        correlation_id=_fitting(message.correlation_id),
        type=_fitting(message.type),
        timestamp=message.timestamp or (envelope.time if envelope else None),
        app_id=_fitting(message.app_id),
    )


def origin(message: Incoming, names: Names) -> tuple[str, str]:
    """The exchange and routing key under which it was first published.

    Only who comes through the service's own exchange, where nobody else may write, is believed what its headers say.
    """
    if message.exchange == names.retry_exchange:
        return str(message.headers.get(EXCHANGE, "")), str(message.headers.get(ROUTING_KEY, ""))
    return message.exchange or "", message.routing_key or ""


def attempts(message: Incoming, names: Names) -> int:
    """How often it has failed; counted in a header of our own, since the broker's own differ between versions.

    Believed like `origin`: else a sender could have its message parked at once, or tried for ever.
    """
    counted = message.headers.get(ATTEMPT, 0) if message.exchange == names.retry_exchange else 0
    return max(counted, 0) if isinstance(counted, int) else 0


def now() -> str:
    """For a header."""
    return datetime.now(UTC).isoformat()


def _fitting(text: str | None) -> str | None:
    """What was no UTF-8 has grown by being escaped."""
    return fitting(text) if text else text


def _kept(headers: HeadersType) -> dict[str, Any]:
    """The sender's own headers, without what the broker counts anew for each message, and what we told of the last."""
    kept = {
        name: value
        for name, value in headers.items()
        if name not in _TOLD
        and not name.startswith(_BROKERS_OWN)
        and len(encode.encode_table_value(value)) <= _LONGEST_HEADER
    }
    return dict(list(kept.items())[:_MOST_HEADERS])


def _about(envelope: Known | None) -> dict[str, str]:
    return {"saga_id": envelope.saga_id, "trace_id": trace_id(envelope)} if envelope else {}


def _told(error: Exception) -> dict[str, str]:
    frames = "".join(f"{frame.name}@{frame.filename}" for frame in traceback.extract_tb(error.__traceback__))
    return {
        REASON: _text(error),
        ERROR: type(error).__name__,
        STACK_HASH: hashlib.sha256(frames.encode()).hexdigest()[:12],
    }


def _text(error: Exception) -> str:
    said = str(error).encode(errors="backslashreplace").decode()  # a file's name, for instance, may be no Unicode
    said = said.replace("\0", r"\x00")  # which no database keeps
    return said[:1000] if isinstance(error, InvalidMessage) else f"{type(error).__name__}: {said}"[:1000]
