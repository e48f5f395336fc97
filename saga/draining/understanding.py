"""Whether this version's services understand what another version has written."""

from collections.abc import Iterator, Sequence

from asyncpg import Record

from events import CONTENT_TYPE, Decoder, Delivery, InvalidMessage
from saga import written
from saga.calls import opened
from saga.deadletters.letter import Letter
from saga.service import Service

NEVER_UNDERSTOOD = frozenset(error.__name__ for error in InvalidMessage.__subclasses__())
"""The errors of letters that parked since nobody could read them: no new version changes that."""


class Understanding:
    def __init__(self, services: Sequence[Service]) -> None:
        self._services = services
        self._decoders = {service.name: Decoder(service.heard) for service in services}
        self._final = {event.event_type for service in services for event in service.said if event.final}

    def of_event(self, event_type: str, body: bytes) -> Iterator[str]:
        """What those who hear it would find wrong with an event that waits to be published."""
        hearers = [s for s in self._services if any(event.event_type == event_type for event in s.heard)]
        if not hearers and event_type not in self._final:
            yield "nobody hears it any more"
        for service in hearers:
            try:
                self._decoders[service.name].decode(Delivery(event_type, body, CONTENT_TYPE))
            except InvalidMessage as error:
                yield f"{service.name}: {error}"

    def of_call(self, service: Service, row: Record) -> Iterator[str]:
        """What its service would find wrong with a call whose outcome isn't known, and with the undo noted on it."""
        types = written.by_name(service.settlements)
        if row["type"] not in types:
            yield f"{service.name} settles no {row['type']} any more"
            return
        try:
            opened(row, types)
        except ValueError as error:
            yield f"{service.name}: {error}"
        if row["step"] not in service.steps:
            yield f"{service.name} has no step {row['step']} any more"
        if row["undo"] is None:
            return
        undo = service.steps.get(row["undo_step"])
        if undo is None:
            yield f"{service.name} has no step {row['undo_step']} any more, which is noted to undo it"
            return
        try:
            written.envelope(written.by_name(undo.hears), row["undo"])
        except (KeyError, ValueError) as error:
            yield f"{service.name}: the undo noted on it: {error!r}"

    def of_letter(self, letter: Letter) -> Iterator[str]:
        """What its service would find wrong with a message in one of its queues."""
        if letter.envelope is None and letter.error not in NEVER_UNDERSTOOD:
            yield f"{letter.service.name}: {letter.problem}"
