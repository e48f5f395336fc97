"""How spans are named and what they tell: OpenTelemetry's semantic conventions for RabbitMQ and for HTTP.

https://opentelemetry.io/docs/specs/semconv/messaging/rabbitmq/, https://opentelemetry.io/docs/specs/semconv/http/http-spans/
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from opentelemetry.semconv._incubating.attributes import messaging_attributes as messaging
from opentelemetry.semconv._incubating.attributes.cloudevents_attributes import CLOUDEVENTS_EVENT_TYPE
from opentelemetry.semconv.attributes import http_attributes as http
from opentelemetry.semconv.attributes import url_attributes as url
from opentelemetry.trace import SpanKind

from events import Envelope, Event, Message
from saga.calls import OpenCall
from saga.declarations import Step

SAGA = messaging.MESSAGING_MESSAGE_CONVERSATION_ID
STEP = "saga.step"
OUTCOME = "saga.outcome"

Attributes = dict[str, str | int]

_RABBITMQ: Attributes = {messaging.MESSAGING_SYSTEM: messaging.MessagingSystemValues.RABBITMQ.value}
_PROCESS = _RABBITMQ | {
    messaging.MESSAGING_OPERATION_NAME: "process",
    messaging.MESSAGING_OPERATION_TYPE: messaging.MessagingOperationTypeValues.PROCESS.value,
}
_SAY = _RABBITMQ | {
    messaging.MESSAGING_OPERATION_NAME: "say",
    messaging.MESSAGING_OPERATION_TYPE: messaging.MessagingOperationTypeValues.CREATE.value,
}


class Told(NamedTuple):
    """What a span tells besides when it was and from what it follows."""

    name: str
    kind: SpanKind
    attributes: Attributes


def of_handling(service: str, step: Step, cause: Envelope[Message], outcome: str) -> Told:
    """Of a message from the queue, or of what was asked at a door."""
    name = f"{service} {step.name}"
    told: Attributes = {SAGA: cause.saga_id, STEP: step.name, OUTCOME: outcome}
    if not isinstance(cause.data, Event) or cause.source.startswith(f"{service}/"):
        return Told(name, SpanKind.INTERNAL, told | {CLOUDEVENTS_EVENT_TYPE: cause.type})
    about = _about(cause, f"{cause.data.exchange}:{cause.type}:{service}")
    return Told(name, SpanKind.CONSUMER, told | _PROCESS | about)


def of_batch(service: str, step: Step, messages: int) -> Told:
    """Of messages that were handled in one transaction."""
    told: Attributes = {STEP: step.name, messaging.MESSAGING_BATCH_MESSAGE_COUNT: messages}
    return Told(f"{service} {step.name} batch", SpanKind.INTERNAL, told)


def of_saying(said: Envelope[Event]) -> Told:
    return Told(f"say {said.type}", SpanKind.PRODUCER, _SAY | _about(said, f"{said.data.exchange}:{said.type}"))


def of_call(call: OpenCall) -> Told:
    name = type(call.call).__name__
    told: Attributes = {SAGA: call.saga_id, STEP: call.step, "saga.call": name, "saga.key": str(call.id)}
    return Told(f"call {name}", SpanKind.CLIENT, told | {"saga.attempts": call.attempts})


def of_request(scope: Mapping[str, Any], status: int) -> Told:
    """Of an ASGI scope; its route is known when the request has been answered."""
    route = getattr(scope.get("route"), "path", "")
    told: Attributes = {
        http.HTTP_REQUEST_METHOD: scope["method"],
        http.HTTP_ROUTE: route,
        http.HTTP_RESPONSE_STATUS_CODE: status,
        url.URL_PATH: scope["path"],
        url.URL_SCHEME: scope["scheme"],
    }
    return Told(f"{scope['method']} {route}".rstrip(), SpanKind.SERVER, told)


def _about(message: Envelope[Message], destination: str) -> Attributes:
    return {
        messaging.MESSAGING_DESTINATION_NAME: destination,
        messaging.MESSAGING_MESSAGE_ID: message.id,
        SAGA: message.saga_id,
        CLOUDEVENTS_EVENT_TYPE: message.type,
    }
