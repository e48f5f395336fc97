"""Whatever anybody sends is understood, or refused with a reason: thousands of messages, from frame to event."""

import logging
import os
from dataclasses import dataclass, field
from time import thread_time

import pytest
from pamqp.header import ContentHeader

from events import CONTENT_TYPE, Decoder, Delivered, Delivery, Envelope, Event, InvalidContent, InvalidMessage
from saga.broker import delivery
from saga.retries import copied
from tests.fuzz import hostile, wire
from tests.unit.strategies import EVENTS

SEED = int(os.environ.get("SAGA_FUZZ_SEED", "20261122"))
COUNT = int(os.environ.get("SAGA_FUZZ_COUNT", "12000"))
LONGEST_REASON = 1_000
"""Characters: a header keeps as many."""

decoder = Decoder(EVENTS)


@dataclass
class Tally:
    understood: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    slowest: float = 0
    """Seconds of the processor's time for one message of up to a megabyte, from the frame to event or refusal."""


@pytest.mark.timeout(600)
def test_whatever_is_sent_is_understood_or_refused_with_a_reason(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """No other accident; what is understood can be said again; what is refused can be sent on, and tells no names."""
    caplog.set_level(logging.CRITICAL)  # the client library warns of each name that it shortens
    tally = Tally()
    for number, sent in enumerate(hostile.messages(SEED, COUNT)):
        began = thread_time()
        try:
            _hear(sent, tally)
        except Exception as accident:
            accident.add_note(f"message {number} of seed {SEED}: {sent!r:.3000}")
            raise
        tally.slowest = max(tally.slowest, thread_time() - began)
    with capsys.disabled():
        print(f"\n{COUNT:,} messages of seed {SEED}: {tally}")  # noqa: T201 — what was tried, and how to try it again
    assert tally.understood > COUNT / 20
    assert tally.refused.keys() == {"BodyTooLarge", "UnknownType", "TypeMismatch", "InvalidContent"}


def _hear(sent: wire.Wired, tally: Tally) -> None:
    message = wire.delivered(sent)
    heard = delivery(message, sent.routing_key)
    envelope, refusal = _decoded(heard)
    if envelope is not None:
        assert decoder.decode(Delivery(envelope.type, envelope.encode(), CONTENT_TYPE)) == envelope
        tally.understood += 1
    else:
        assert 0 < len(str(refusal)) <= LONGEST_REASON
        assert hostile.PERSONAL not in str(refusal) or not isinstance(refusal, InvalidContent)
        tally.refused[type(refusal).__name__] = tally.refused.get(type(refusal).__name__, 0) + 1
    copy = copied(message, ("orders", sent.routing_key), {"x-reason": str(refusal)}, envelope)
    assert ContentHeader(0, len(copy.body), copy.properties).marshal()


def _decoded(heard: Delivered) -> tuple[Envelope[Event] | None, InvalidMessage | None]:
    try:
        return decoder.decode(heard), None
    except InvalidMessage as refusal:
        return None, refusal
