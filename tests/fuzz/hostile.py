"""Messages that were valid once: something of each is odd, from a byte of its text to the type of a header.

All of them follow from a seed: the same seed makes the same messages, in the same order.
"""

import json
import random
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from events import CONTENT_TYPE, Event
from tests import builders
from tests.fuzz import wire
from tests.fuzz.wire import Wired
from tests.unit.strategies import EVENTS

PERSONAL = "Ysolde-Quixby"
"""A name that is in every address, and may be in no reason."""

ORDER_ID = "0198f2a0-6f1e-7c3a-9d52-3c1e6b0f4a11"


def _valid(event: type[Event]) -> dict[str, Any]:
    name = "".join(f"_{c.lower()}" if c.isupper() else c for c in event.__name__).lstrip("_")
    changes = {"ship_to": builders.address(name=PERSONAL)} if "ship_to" in event.model_fields else {}
    made: Event = getattr(builders, name)(order_id=ORDER_ID, **changes)
    return made.model_dump(mode="json")


VALID = {event.event_type: _valid(event) for event in EVENTS}

_VALUES: tuple[object, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        2**31,
        2**63 - 1,
        2**63,
        2**64,
        10**400,
        0.5,
        -0.0,
        1e308,
        float("nan"),
        float("inf"),
    ),
    *(
        "",
        " ",
        "\0",
        "x\0y",
        "a" * 201,
        "a" * 501,
        "é",
        "\u202eevil",
        "\ufeff",
        "😀" * 70,
        "\ud800",
        "\udfff",
        "ﬁ",
        "İ",
    ),
    *("0198f2a0", ORDER_ID.upper(), ORDER_ID.replace("-", ""), f"urn:uuid:{ORDER_ID}", f"{{{ORDER_ID}}}"),
    *("EUR", "XXX", "eur", "GB", "ZZ", "2026-02-30", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "1e3", "NaN"),
    *([], {}, [[]], [None] * 120, {"": ""}, {"a": {"b": {"c": []}}}, "[]", "{}", "' OR 1=1 --", "<b>", "${x}", "%s%n"),
)
_NAMES = ("", "\0", "__proto__", "__class__", "order_id", "data", "type", "specversion", "é", "x" * 300, "lines")
_TOKENS = (
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"9" * 5000,
    b'"\\ud800"',
    b'"\\u0000"',
    b"\xff",
    b"\xef\xbb\xbf",
    b"//",
    b"0x1",
)
_TYPES = ("", "#", "order.placed", "order.placed.v2", "ORDER.PLACED.V1", "x" * 255, "\0", "order.placed.v1 ", "é")
_CONTENT_TYPES = (
    CONTENT_TYPE,
    f"{CONTENT_TYPE}; charset=utf-16",
    "application/json",
    "application/cloudevents-batch+json",
    "text/plain",
    "x" * 255,
)
_TIMES = (
    b"\x00" * 8,
    b"\xff" * 8,
    b"\x7f" + b"\xff" * 7,
    (1_795_000_000_000_000).to_bytes(8),
    (1_795_000_000).to_bytes(8),
)


def messages(seed: int, count: int) -> Iterator[Wired]:
    dice = random.Random(seed)
    for number in range(count):
        yield _raw(dice) if number % 5 == 0 else _structured(dice)


def _structured(dice: random.Random) -> Wired:
    """An event in one of its three forms, with something odd in its fields, its text, its headers or its properties."""
    event_type = dice.choice(list(VALID))
    data: Any = json.loads(json.dumps(VALID[event_type]))
    attributes: dict[str, Any] = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "/fuzz",
        "type": event_type,
        "time": "2026-11-22T00:00:00Z",
        "causationid": "e-0",
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    }
    for _ in range(dice.choice((0, 1, 1, 1, 2, 5))):
        data = _odd(dice, data)
    if dice.random() < 0.3:
        attributes = _odd(dice, attributes)
    form = dice.choice(("structured", "structured", "binary", "bare", "pasted"))
    whole = {**attributes, "data": data} if form in {"structured", "pasted"} and isinstance(attributes, dict) else data
    properties = {"content_type": wire.short(CONTENT_TYPE)} if form == "structured" else {}
    headers: list[tuple[bytes, bytes]] = []
    if form == "binary" and isinstance(attributes, dict):
        prefix = dice.choice(("cloudEvents:", "cloudEvents_", "ce-"))
        headers = [
            ((prefix + name).encode(errors="replace"), _header(dice, given)) for name, given in attributes.items()
        ]
    routing_key = dice.choice(_TYPES) if dice.random() < 0.05 else event_type
    return Wired(routing_key, _text(dice, whole), _properties(dice, properties), _headers(dice, headers))


def _raw(dice: random.Random) -> Wired:
    """Bytes that mean nothing, or begin to."""
    body = dice.choice(
        (
            lambda: dice.randbytes(dice.choice((0, 1, 7, 100, 2000))),
            lambda: b"[" * dice.randrange(3000),
            lambda: b'{"a":' * dice.randrange(3000),
            lambda: json.dumps(VALID["order.placed.v1"]).encode(
                dice.choice(("utf-16", "utf-32", "utf-7", "utf-8-sig"))
            ),
            lambda: json.dumps(dice.choice(_VALUES)).encode(),
            lambda: b" " * dice.choice((10, 1024 * 1024, 1024 * 1024 + 1)) if dice.random() < 0.1 else b" ",
        )
    )()
    properties = {"content_type": wire.short(CONTENT_TYPE)} if dice.random() < 0.5 else {}
    return Wired(dice.choice(list(VALID)), body, _properties(dice, properties), _headers(dice, []))


def _odd(dice: random.Random, document: Any) -> Any:
    """The document with one value replaced, removed, renamed, repeated or buried, at any depth."""
    if not isinstance(document, (dict, list)) or not document or dice.random() < 0.05:
        return deepcopy(dice.choice(_VALUES))
    place = dice.choice(list(document) if isinstance(document, dict) else range(len(document)))
    if isinstance(document[place], (dict, list)) and document[place] and dice.random() < 0.6:
        document[place] = _odd(dice, document[place])
        return document
    match dice.randrange(6):
        case 0:
            del document[place]
        case 1 if isinstance(document, dict):
            document[dice.choice(_NAMES)] = document.pop(place)
        case 2 if isinstance(document, list) and len(document) < 5:
            document.extend(deepcopy(document * dice.choice((1, 100))))
        case 3:
            for _ in range(dice.choice((1, 40))):
                document[place] = dice.choice(([document[place]], {"x": document[place]}))
        case _:
            document[place] = deepcopy(dice.choice(_VALUES))
    return document


def _text(dice: random.Random, document: Any) -> bytes:
    """As JSON, now and then with its bytes in disorder."""
    body = json.dumps(document, ensure_ascii=dice.random() < 0.5).encode(errors="surrogatepass")
    if dice.random() < 0.7 or not body:
        return body
    at, to = sorted((dice.randrange(len(body)), dice.randrange(len(body))))
    token = dice.choice(_TOKENS)
    return dice.choice(
        (
            body[:at],
            body[:at] + body[to:],
            body[:to] + body[at:],
            body[:at] + token + body[at:],
            body.replace(b":", b":" + token + b",", 1),
            body[:at] + dice.randbytes(1) + body[at + 1 :],
        )
    )


def _header(dice: random.Random, given: object) -> bytes:
    return wire.value(dice) if dice.random() < 0.1 else wire.text(str(given))


def _headers(dice: random.Random, headers: list[tuple[bytes, bytes]]) -> tuple[tuple[bytes, bytes], ...]:
    if dice.random() < 0.25:
        names = (b"x-attempt", b"x-original-routing-key", b"x-delivery-count", b"ce-id", b"\xff\xfe", b"", b"n" * 255)
        headers += [(dice.choice(names), wire.value(dice)) for _ in range(dice.randrange(4))]
    if dice.random() < 0.01:
        headers.append((b"deep", wire.nested(dice.choice((20, 400, 5000)), dice.choice((b"F", b"A")))))
    return tuple(headers)


def _properties(dice: random.Random, properties: dict[str, bytes]) -> dict[str, bytes]:
    if dice.random() < 0.25:
        for name in ("message_id", "app_id", "type", "correlation_id", "reply_to", "content_encoding", "cluster_id"):
            if dice.random() < 0.4:
                properties[name] = wire.short(dice.randbytes(dice.choice((0, 1, 16, 255))))
    if dice.random() < 0.1:
        properties["timestamp"] = dice.choice(_TIMES)
    if dice.random() < 0.1:
        properties["priority"] = dice.randbytes(1)
    if dice.random() < 0.05:
        properties["content_type"] = wire.short(dice.choice((*_CONTENT_TYPES, b"\xff" * 255)))
    return properties
