"""Whether those who hear an event still understand it, as the contract has it by example."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from events import Decoder, Delivery, InvalidMessage
from saga.checking.findings import Finding
from saga.service import Service


def misunderstood(services: Sequence[Service], folder: Path) -> Iterator[Finding]:
    """What each service doesn't make of the examples of what it hears, as it decodes them; what has no example.

    They are data as they have been on the wire, `<event type>.json` and `<event type>.<what is special>.json`.
    """
    for service in services:
        decoder = Decoder(service.heard)
        for event_type in sorted(event.event_type for event in service.heard):
            examples = sorted([*folder.glob(f"{event_type}.json"), *folder.glob(f"{event_type}.*.json")])
            if not examples:
                yield Finding(f"{service.name} hears {event_type}, of which there is no example in {folder}")
            for example in examples:
                if wrong := _wrong(decoder, event_type, example):
                    yield Finding(f"{service.name} doesn't understand {event_type} as in {example} any more", [wrong])


def _wrong(decoder: Decoder, event_type: str, example: Path) -> str:
    try:
        decoder.decode(Delivery(event_type, example.read_bytes()))
    except InvalidMessage as error:
        return str(error)
    return ""
