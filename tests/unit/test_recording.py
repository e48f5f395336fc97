"""What a service records of its work, and what of a trace it passes on without recording."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from uuid import uuid4

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode

from events import Envelope, Event, Message
from inventory_service.handlers import inventory
from payment_service.gateway import Refund
from saga.calls import OpenCall
from saga.errors import DatabaseAway
from saga.outbox import enveloped
from saga.recording import Recorder
from saga.spans import Spans, Tracer
from saga.testing import enveloped as from_outside
from saga.tracing import Caused, passed_on, root, trace_id, understood
from tests.builders import order_placed, stock_released

RESERVE = inventory.steps["reserve_stock"]
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Recorded(Recorder):
    """Keeps its spans."""

    def __init__(self, ratio: float = 1.0) -> None:
        self.spans: list[ReadableSpan] = []
        super().__init__("inventory", Resource.get_empty(), ratio, self.spans.append)

    @property
    def told(self) -> list[tuple[str, object]]:
        return [(span.name, dict(span.attributes or {}).get("saga.outcome")) for span in self.spans]


def heard(traceparent: str | None = None) -> Envelope[Message]:
    envelope = from_outside(order_placed(order_id=uuid4()))
    return replace(envelope, traceparent=traceparent)


def handled(spans: Spans, *causes: Envelope[Message]) -> list[Envelope[Event]]:
    """Each of these was answered by an event, in a transaction that has not committed."""
    under = spans.handled(RESERVE, causes)
    return [enveloped(stock_released(), cause, "inventory", spans.saying(cause)) for cause in under]


def a_call(traceparent: str | None) -> OpenCall:
    refund = Refund(
        order_id=uuid4(), charge_id="ch", payment_id="p", amount=1, currency="EUR", outcome="rejected", reason="r"
    )
    return OpenCall(uuid4(), refund.saga_id, "refund_payment", refund, Caused("e-1", traceparent), 2)


def identity(named: ReadableSpan | Link) -> str:
    return _written(named.context)


def parent(span: ReadableSpan) -> str | None:
    return _written(span.parent) if span.parent else None


def _written(context: SpanContext) -> str:
    return f"{context.trace_id:032x}-{context.span_id:016x}"


def test_what_is_said_is_a_child_of_the_handling_and_that_of_what_was_heard() -> None:
    """And the span whose id the event carries is the one that is recorded."""
    tracer = Recorded()
    spans = tracer.transaction()
    (said,) = handled(spans, heard(PARENT))
    spans.committed([said])
    handling, saying = tracer.spans
    assert (handling.kind, parent(handling)) == (SpanKind.CONSUMER, PARENT[3:-3])
    assert (saying.kind, parent(saying)) == (SpanKind.PRODUCER, identity(handling))
    assert said.traceparent == f"00-{identity(saying)}-01"


def test_nothing_is_recorded_of_what_was_rolled_back() -> None:
    """Spans are made after the commit, which never came."""
    tracer = Recorded()
    handled(tracer.transaction(), heard(PARENT), heard())
    assert tracer.spans == []


def test_messages_that_shared_a_transaction_are_linked_to_it() -> None:
    """Each has a span in its own trace, and the batch one in a trace of its own."""
    tracer = Recorded()
    spans = tracer.transaction()
    spans.committed(handled(spans, heard(PARENT), heard(root()), heard()))
    batch, *messages = [span for span in tracer.spans if span.kind is not SpanKind.PRODUCER]
    assert (batch.name, dict(batch.attributes or {})["messaging.batch.message_count"]) == (
        "inventory reserve_stock batch",
        3,
    )
    assert [[identity(link) for link in span.links] for span in messages] == [[identity(batch)]] * 3
    assert len({span.context.trace_id for span in (batch, *messages)}) == 4


def test_a_message_alone_has_no_batch() -> None:
    tracer = Recorded()
    spans = tracer.transaction()
    spans.committed(handled(spans, heard(PARENT)))
    assert [list(span.links) for span in tracer.spans] == [[], []]


def test_each_message_tells_how_far_it_got() -> None:
    """A duplicate, one that waits for others, one that the fence kept out, an undo that is noted on an open call, and
    one that was handled.
    """
    tracer = Recorded()
    spans, causes = tracer.transaction(), [heard(root()) for _ in range(5)]
    spans.admitted(RESERVE, causes, causes[1:], causes[2:], causes[3:], causes[4:])
    spans.committed(handled(spans, *causes[4:]))
    outcomes = [outcome for _, outcome in tracer.told if outcome]
    assert outcomes == ["duplicate", "kept", "fenced", "noted", "handled"]


def test_a_message_that_fails_is_told_with_the_errors_name_only() -> None:
    """Its text may be personal."""
    tracer = Recorded()
    with pytest.raises(ValueError, match="Ada Lovelace"), tracer.attempt(RESERVE, [heard(PARENT)]):
        raise ValueError("Ada Lovelace")
    (span,) = tracer.spans
    told = dict(span.attributes or {})
    assert (told["saga.outcome"], told["error.type"], span.status.status_code) == (
        "failed",
        "ValueError",
        StatusCode.ERROR,
    )
    assert "Lovelace" not in span.to_json()


@pytest.mark.parametrize(("messages", "error"), [(2, ValueError()), (1, DatabaseAway("gone"))])
def test_what_is_not_known_of_a_message_is_not_told(messages: int, error: Exception) -> None:
    """Which of several failed, and whether anything did when the database is lost: they are tried again."""
    tracer = Recorded()
    causes = [heard(PARENT) for _ in range(messages)]
    with pytest.raises(type(error)), tracer.attempt(RESERVE, causes):
        raise error
    assert tracer.spans == []


def test_what_is_asked_at_a_door_is_no_message_of_the_brokers() -> None:
    tracer = Recorded()
    spans = tracer.transaction()
    spans.committed(handled(spans, replace(heard(PARENT), source="inventory/api")))
    span = tracer.spans[0]
    assert (span.kind, "messaging.system" in (span.attributes or {})) == (SpanKind.INTERNAL, False)


def test_a_call_is_a_child_of_the_step_that_asked_for_it_and_its_outcome_of_the_call() -> None:
    """Asked twice, it is two spans: it was called twice."""
    tracer, call = Recorded(), a_call(PARENT)
    tracer.called(call, 0.1, TimeoutError("no answer"))
    answered = tracer.called(call, 0.1)
    lost, came = tracer.spans
    assert (lost.status.status_code, came.status.status_code) == (StatusCode.ERROR, StatusCode.UNSET)
    assert (parent(lost), parent(came), came.kind) == (PARENT[3:-3], PARENT[3:-3], SpanKind.CLIENT)
    assert answered == replace(call, cause=Caused("e-1", f"00-{identity(came)}-01"))


@pytest.mark.parametrize("came", [None, PARENT])
def test_a_request_begins_a_trace_or_goes_on_with_its_own(came: str | None) -> None:
    tracer = Recorded()
    traceparent = tracer.asked(came)
    scope = {"method": "POST", "path": "/orders", "scheme": "http"}
    tracer.answered(scope, came, traceparent, 503, 0.1)
    (span,) = tracer.spans
    assert traceparent == f"00-{identity(span)}-01"
    assert (parent(span), span.status.status_code) == (came and came[3:-3], StatusCode.ERROR)


def all_of(tracer: Tracer, came: str | None) -> Sequence[str | None]:
    """The traceparents of all that follows from one, of each kind."""
    spans = tracer.transaction()
    said = handled(spans, heard(came))
    spans.admitted(RESERVE, causes := [heard(came)], causes, causes, [], [])
    spans.committed(said)
    with suppress(ValueError), tracer.attempt(RESERVE, [heard(came)]):
        raise ValueError
    tracer.answered({}, came, tracer.asked(came), 202, 0.1)
    return [said[0].traceparent, tracer.called(a_call(came), 0.1).cause.traceparent, tracer.asked(came)]


@pytest.mark.parametrize("tracer", [Tracer(), Recorded(ratio=0)], ids=["tracing is off", "not of this share"])
def test_who_records_nothing_passes_a_trace_on_as_it_came(tracer: Tracer) -> None:
    """So the next who does is a child of the last who did."""
    assert all_of(tracer, PARENT) == [PARENT] * 3
    assert getattr(tracer, "spans", []) == []


def test_services_choose_the_same_share_of_traces() -> None:
    """By the trace's id alone: whatever came in between, a trace is recorded as a whole or not at all."""
    one, other = Recorded(ratio=0.5), Recorded(ratio=0.5)
    traces = [root() for _ in range(200)]
    chosen = [trace for trace in traces if one.records(trace)]
    assert 50 < len(chosen) < 150
    assert [trace for trace in traces if other.records(f"{trace[:36]}{'0' * 15}1-00")] == chosen


def test_a_request_that_is_not_recorded_begins_a_trace_that_says_so() -> None:
    begun = Recorded(ratio=0).asked(None)
    assert begun is not None
    assert understood(begun) == begun
    assert begun.endswith("-00")


def test_a_message_without_a_trace_begins_the_same_one_wherever_it_is_heard() -> None:
    """Another message begins another."""
    message = heard()
    assert passed_on(message) == passed_on(replace(message)) == understood(passed_on(message))
    assert trace_id(message) == passed_on(message).split("-")[1] != trace_id(heard())


@pytest.mark.parametrize("header", [None, "", "nonsense", PARENT.upper(), f"{PARENT}-more", PARENT.replace("4", "0")])
def test_only_a_traceparent_of_w3cs_shape_is_understood(header: str | None) -> None:
    expected = header if header == PARENT.replace("4", "0") else None
    assert understood(header) == expected
