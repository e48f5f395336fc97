"""What a message in the dead letters tells, whoever sent it and whoever parked it."""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aio_pika.abc import AbstractIncomingMessage
from pydantic import AwareDatetime, TypeAdapter, ValidationError
from pydantic_core import from_json

from events import MAX_BODY, Decoder, Envelope, Event, InvalidMessage
from saga.broker import Incoming, Names, delivery
from saga.deadletters.letter import Letter
from saga.retries import ATTEMPT, ERROR, EXCHANGE, PARKED_AT, REASON, ROUTING_KEY, origin
from saga.service import Service

BROKER = "delivery_limit"
GIVEN_OUT = "given out too often without an answer"
"""What stands for the error and the reason of a letter that the broker parked: nobody lived to tell what was wrong."""
UNKNOWN = datetime.fromtimestamp(0, UTC)
"""When a letter was parked that doesn't tell."""
_LONGEST_ID = 255


def read(service: Service, message: AbstractIncomingMessage, *, is_parked: bool = True) -> Letter:
    """Whatever a sender has put into it: nothing of it raises. What isn't parked waits in another of its queues."""
    headers, names = message.headers, Names(service.name)
    death = death_of(message, names)
    exchange, event_type = came_from(message, names) if is_parked else origin(message, names)
    envelope, problem = _understood(service, message, event_type)
    told = stated(message.body) if envelope is None else {}
    parked = parked_at(message, names)
    attempts = headers.get(ATTEMPT, 0)
    return Letter(
        service=service,
        id=name_of(message),
        type=event_type,
        exchange=exchange,
        error=BROKER if death else _text(headers.get(ERROR)),
        reason=GIVEN_OUT if death else _text(headers.get(REASON)),
        attempts=attempts if isinstance(attempts, int) else 0,
        parked_at=parked,
        event_id=envelope.id if envelope else _word(told.get("id")) or name_of(message),
        time=envelope.time if envelope else time_of(told.get("time")) or message.timestamp or parked,
        saga_id=envelope.saga_id if envelope else saga_of(service, event_type, told, message),
        causationid=envelope.causationid if envelope else _word(told.get("causationid")),
        envelope=envelope,
        problem=problem,
        message=message,
    )


def _understood(
    service: Service, message: AbstractIncomingMessage, event_type: str
) -> tuple[Envelope[Event] | None, str]:
    try:
        return Decoder(service.heard).decode(delivery(message, event_type)), ""
    except InvalidMessage as error:
        return None, str(error)


def name_of(message: Incoming) -> str:
    """By which it is found among the letters, whatever its sender has called it."""
    stated = message.message_id or ""
    is_name = stated.isprintable() and 0 < len(stated) <= _LONGEST_ID
    return stated if is_name else hashlib.sha256(message.body).hexdigest()[:12]


def parked_at(message: Incoming, names: Names) -> datetime:
    """When it parked, as whoever parked it tells."""
    death = death_of(message, names)
    return time_of(death.get("time") if death else message.headers.get(PARKED_AT)) or message.timestamp or UNKNOWN


def death_of(message: Incoming, names: Names) -> Mapping[str, Any] | None:
    """What the broker says of having parked it itself. The runtime leaves no such word in what it parks."""
    deaths = message.headers.get("x-death")
    found = (death for death in deaths if isinstance(death, Mapping)) if isinstance(deaths, list) else ()
    return next((death for death in found if death.get("queue") == names.queue), None)


def came_from(message: Incoming, names: Names) -> tuple[str, str]:
    """The exchange and routing key under which it was first published.

    Our own headers are believed only if it came through our own exchange: see `retries.origin`.
    """
    death = death_of(message, names)
    if death and death.get("exchange") != names.retry_exchange:
        keys = death.get("routing-keys")
        return _text(death.get("exchange")), _text(keys[0]) if isinstance(keys, list) and keys else ""
    return _text(message.headers.get(EXCHANGE)), _text(message.headers.get(ROUTING_KEY))


def stated(body: bytes) -> dict[str, Any]:
    """The attributes that stand in the body, or the bare data, if it is JSON at all."""
    if len(body) > MAX_BODY:
        return {}
    try:
        content = from_json(body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def saga_of(service: Service, event_type: str, stated: dict[str, Any], message: Incoming) -> str | None:
    """What the data say, as far as they can be read; else what was written on the envelope."""
    event = next((event for event in service.heard if event.event_type == event_type), None)
    data = stated.get("data", stated)
    known = _saga_in(event, data) if event and isinstance(data, dict) else None
    named = (stated.get("correlationid"), stated.get("subject"), message.correlation_id)
    return known or next(filter(None, map(_word, named)), None)


def _saga_in(event: type[Event], data: dict[str, Any]) -> str | None:
    """The fields are read one by one: the one that names the saga may be sound though others aren't."""
    sound = {}
    for name, reader in _readers(event).items():
        with suppress(KeyError, ValidationError):
            sound[name] = reader.validate_python(data[name])
    try:
        return event.model_construct(**sound).saga_id
    except AttributeError:
        return None


@cache
def _readers(event: type[Event]) -> dict[str, TypeAdapter[Any]]:
    return {name: TypeAdapter(known.rebuild_annotation()) for name, known in event.model_fields.items()}


_times: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)


def time_of(stated: object) -> datetime | None:
    """None, if it is no moment."""
    try:
        return _times.validate_python(stated)
    except ValidationError:
        return None


def _word(stated: object) -> str | None:
    return stated if isinstance(stated, str) and 0 < len(stated) <= _LONGEST_ID and "\x00" not in stated else None


def _text(stated: object) -> str:
    return "" if stated is None else str(stated)
