"""What is recorded agrees with what was committed, whatever becomes of messages and processes."""

from uuid import UUID

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind

from saga import open_pool
from saga.participant import Participant
from saga.recording import Recorder
from saga.testing import enveloped, eventually
from tests.collector import collecting
from tests.component.conftest import Toy
from tests.component.toy.handlers import Answered, Done, Ordered, Wanted, toy


async def test_an_event_names_the_span_that_was_recorded_whoever_publishes_it(toys: Toy, new_id: UUID) -> None:
    """The process that said it never published it; another one, which traces nothing, does so twice."""
    spans: list[ReadableSpan] = []
    recorder = Recorder("toy", Resource.get_empty(), 1.0, spans.append)
    async with await open_pool(toys.database, size=3, application="test") as pool:
        participant = Participant(toy, pool, tracer=recorder)
        await participant.handle(toy.step_for(Wanted), [enveloped(Wanted(toy_id=new_id))])
    async with toys.running():
        await toys.stage.hears(Done, new_id)
        await eventually(lambda: said_again(toys, new_id))
        await eventually(lambda: heard_twice(toys, new_id))
    (saying,) = [span for span in spans if span.kind is SpanKind.PRODUCER]
    named = f"00-{saying.context.trace_id:032x}-{saying.context.span_id:016x}-01"
    assert {e.traceparent for e in toys.stage.heard if e.saga_id == str(new_id)} == {named}


async def said_again(toys: Toy, saga_id: UUID) -> bool:
    """As after a crash between the broker's confirm and the row's removal."""
    return bool(
        await toys.fetch(
            """INSERT INTO saga.outbox (id, said_at) SELECT id, said_at FROM saga.said WHERE saga_id = $1
               ON CONFLICT DO NOTHING RETURNING id""",
            str(saga_id),
        )
    )


async def heard_twice(toys: Toy, saga_id: UUID) -> bool:
    return toys.stage.types_of(saga_id).count("toy.done.v1") == 2


async def test_a_failing_handler_says_nothing_in_the_trace_either(toys: Toy, new_id: UUID) -> None:
    """Each attempt is a span, and what was rolled back is none."""
    with collecting() as collector:
        async with toys.running(otlp_endpoint=collector.url):
            await toys.stage.say(Wanted(toy_id=new_id, behaviour="raise"))
            await eventually(lambda: toys.stage.take_dead_letters("toy"))
        spans = collector.of(new_id)
    assert [(span.name, span.kind, span.failed) for span in spans] == [("toy do", "CONSUMER", True)] * 3
    assert {span.attributes["error.type"] for span in spans} == {"RuntimeError"}


async def test_a_redelivered_message_is_told_as_a_duplicate(toys: Toy, new_id: UUID) -> None:
    """It is one that was handled, and says nothing."""
    wanted = enveloped(Wanted(toy_id=new_id))
    with collecting() as collector:
        async with toys.running(otlp_endpoint=collector.url):
            await toys.stage.say(wanted, wanted, wanted)
            await toys.stage.hears(Done, new_id)
            await eventually(lambda: nothing_waits(toys))
        spans = collector.of(new_id)
    outcomes = sorted(span.attributes["saga.outcome"] for span in spans if span.kind == "CONSUMER")
    assert outcomes == ["duplicate", "duplicate", "handled"]
    assert sum(span.kind == "PRODUCER" for span in spans) == 1


async def nothing_waits(toys: Toy) -> bool:
    return await toys.stage.waiting("toy") == 0


async def test_a_call_that_another_process_finishes_is_in_the_trace_of_who_asked(toys: Toy, new_id: UUID) -> None:
    """The row of the call keeps the span of its step, and each time it was called is a child of that."""
    toys.outside.failures = 1
    with collecting() as collector:
        async with toys.running(otlp_endpoint=collector.url):
            await toys.stage.say(Ordered(toy_id=new_id))
            await toys.stage.hears(Answered, new_id)
        spans = {span.id: span for span in collector.of(new_id)}
    (step,) = [span for span in spans.values() if span.name == "toy ask"]
    called = [span for span in spans.values() if span.name == "call Question"]
    assert [(span.parent, span.failed) for span in called] == [(step.id, True), (step.id, False)]
    (said,) = [span for span in spans.values() if span.kind == "PRODUCER"]
    assert said.parent == called[1].id
