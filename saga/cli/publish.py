"""`saga publish`: an event from a file, validated as its hearers will."""

from collections.abc import Sequence
from datetime import UTC, datetime

import uuid_utils.compat as uuid
from aio_pika import DeliveryMode, Message
from rich.console import Console

from events import CONTENT_TYPE, Decoder, Delivery, Event, InvalidMessage
from saga.broker import user
from saga.cli.endpoints import Endpoints
from saga.errors import CannotStart
from saga.publisher import Outgoing, Publisher
from saga.service import Service


async def publish(
    endpoints: Endpoints, services: Sequence[Service], event_type: str, body: bytes, console: Console
) -> None:
    """Publish at the front door, as the publisher; return after the confirm. Nothing invalid is published."""
    known = {event.event_type: event for event in _speakable(services)}
    if event_type not in known:
        raise CannotStart(f"{event_type!r} can't be published here", f"choose one of {', '.join(sorted(known))}")
    delivery = Delivery(type=event_type, body=body, message_id=str(uuid.uuid7()), app_id="saga-cli")
    try:
        envelope = Decoder(known.values()).decode(delivery)
    except InvalidMessage as error:
        raise CannotStart("not published", str(error)) from None
    url = endpoints.require("publisher_amqp_url")
    message = Message(
        envelope.encode(),
        content_type=CONTENT_TYPE,
        delivery_mode=DeliveryMode.PERSISTENT,
        message_id=envelope.id,
        type=event_type,
        timestamp=datetime.now(UTC),
        app_id="saga-cli",
        user_id=user(url),
    )
    publisher = Publisher(url, "saga publish")
    try:
        await publisher.publish_one(Outgoing(message, known[event_type].exchange, event_type))
    finally:
        await publisher.close()
    console.print(f"published {event_type} {envelope.id} of {envelope.saga_id}", highlight=False, soft_wrap=True)


def _speakable(services: Sequence[Service]) -> set[type[Event]]:
    """What a publisher may say: the events of the services that are front doors."""
    return {event for service in services if service.front_door for event in service.said}
