"""The services' messages as an AsyncAPI 3.0 document: enough for anybody to write a client from, in any language.

https://www.asyncapi.com/docs/reference/specification/v3.0.0, with version 0.3.0 of its AMQP bindings
(https://github.com/asyncapi/bindings/tree/master/amqp).
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from pydantic.json_schema import models_json_schema

from events import CONTENT_TYPE, Event
from saga import Command, Service
from saga.choreography import Choreography

Json = dict[str, Any]

SCHEMAS = "#/components/schemas/{model}"
BINDING = "0.3.0"
DESCRIPTION = """Every event is a routing key of its owner's topic exchange. Operations are what the services do,
each tagged with its service, and what `anyone` may do: whoever wants something says it at a front
door, with publisher confirms and the mandatory flag, and hears what becomes of it by a queue of
their own that is bound to the exchanges.

A message tagged `final` is one after which no step goes on: with it a saga has come to rest, unless
somebody says something more about it. All messages of a saga have the same `correlationid`.

Besides structured CloudEvents, CloudEvents in binary mode and a bare JSON body are understood,
which is the event's `data` alone: its type is the routing key. A `user_id`, where it is set, must
be the connection's user."""


def document(services: Sequence[Service], examples: Mapping[str, str]) -> str:
    """What these services say and hear. `examples` are the data of events, as JSON, by their types."""
    speaking = [service for service in services if service.steps]
    events = sorted({e for s in speaking for e in (*s.said, *s.heard)}, key=lambda event: event.event_type)
    choreography = Choreography.of(speaking)
    told = {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"What {', '.join(service.name for service in speaking)} tell each other",
            "version": version("choreographed-saga"),
            "description": DESCRIPTION,
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": {
            "broker": {
                "host": "{host}:{port}",
                "protocol": "amqp",
                "protocolVersion": "0.9.1",
                "variables": {"host": {"default": "localhost"}, "port": {"default": "5672"}},
                "security": [{"$ref": "#/components/securitySchemes/user"}],
            }
        },
        "channels": {event.event_type: _channel(event) for event in events},
        "operations": dict(_operations(speaking)),
        "components": {
            "securitySchemes": {"user": {"type": "userPassword"}},
            "correlationIds": {
                "saga": {"location": "$message.payload#/correlationid", "description": "The saga that it belongs to."}
            },
            "messages": {
                event.__name__: _message(event, choreography, examples.get(event.event_type)) for event in events
            },
            "schemas": _schemas(events),
        },
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _channel(event: type[Event]) -> Json:
    return {
        "address": event.event_type,
        "messages": {event.__name__: {"$ref": f"#/components/messages/{event.__name__}"}},
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {
                    "name": event.exchange,
                    "type": "topic",
                    "durable": True,
                    "autoDelete": False,
                    "vhost": "/",
                },
                "bindingVersion": BINDING,
            }
        },
    }


def _operations(services: Sequence[Service]) -> Iterator[tuple[str, Json]]:
    for service in services:
        for event in service.said:
            yield f"{service.name}-says-{event.event_type}", _operation("send", event, service.name)
        for event in sorted(service.heard, key=lambda event: event.event_type):
            yield f"{service.name}-hears-{event.event_type}", _operation("receive", event, service.name)
    for event in _from_outside(services):
        yield f"anyone-says-{event.event_type}", _operation("send", event, "anyone")


def _from_outside(services: Iterable[Service]) -> list[type[Event]]:
    """What a front door says when somebody asks it to, and anybody may say in its place."""
    said: set[type[Event]] = set()
    for service in services:
        for step in service.steps.values() if service.front_door else ():
            if all(issubclass(message, Command) for message in step.hears):
                said |= {event for event in service.said_by(step) if event.exchange == service.exchange}
    return sorted(said, key=lambda event: event.event_type)


def _operation(action: str, event: type[Event], by: str) -> Json:
    channel = f"#/channels/{event.event_type}"
    binding: Json = {"ack": True} if action == "receive" else {"deliveryMode": 2, "mandatory": True}
    return {
        "action": action,
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{event.__name__}"}],
        "tags": [{"name": by}],
        "bindings": {"amqp": {**binding, "bindingVersion": BINDING}},
    }


def _message(event: type[Event], choreography: Choreography, example: str | None) -> Json:
    tags = [{"name": "final"}] if event.event_type not in choreography.continuing else []
    tags += [{"name": "refusal"}] if event.event_type in choreography.refusals else []
    told: Json = {
        "name": event.event_type,
        "title": event.__name__,
        "summary": " ".join((event.__doc__ or "").split()),
        "contentType": CONTENT_TYPE,
        "correlationId": {"$ref": "#/components/correlationIds/saga"},
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/CloudEvent"},
                {
                    "type": "object",
                    "properties": {
                        "type": {"const": event.event_type},
                        "data": {"$ref": f"#/components/schemas/{event.__name__}"},
                    },
                },
            ]
        },
    }
    if tags:
        told["tags"] = tags
    if example:
        told["examples"] = [{"name": "example", "payload": _enveloped(event, json.loads(example))}]
    return told


def _enveloped(event: type[Event], data: Json) -> Json:
    saga = event.model_validate(data).saga_id
    return {
        "specversion": "1.0",
        "id": f"{saga}-1",
        "source": "a-client",
        "type": event.event_type,
        "subject": saga,
        "time": "2026-11-24T12:00:00Z",
        "datacontenttype": "application/json",
        "correlationid": saga,
        "data": data,
    }


def _schemas(events: Sequence[type[Event]]) -> Json:
    _, found = models_json_schema([(event, "validation") for event in events], ref_template=SCHEMAS)
    return {"CloudEvent": CLOUD_EVENT, **found["$defs"]}


_TEXT = {"type": "string", "minLength": 1, "maxLength": 255}
CLOUD_EVENT: Json = {
    "type": "object",
    "description": "CloudEvents 1.0 in structured mode. Further attributes are ignored.",
    "required": ["specversion", "id", "source", "type", "subject", "time", "correlationid", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {**_TEXT, "description": "With `source`, the message's identity: what comes again changes nothing."},
        "source": _TEXT,
        "type": _TEXT,
        "subject": {**_TEXT, "description": "The same as `correlationid`."},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"const": "application/json"},
        "correlationid": {**_TEXT, "description": "The saga, which the data name, too."},
        "causationid": {**_TEXT, "description": "The `id` of the message that caused this one."},
        "traceparent": {"type": "string", "description": "https://www.w3.org/TR/trace-context/"},
        "data": {"type": "object"},
    },
}
