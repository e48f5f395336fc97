"""One trace tells an order's whole story, over four processes and their outboxes."""

from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from secrets import token_hex
from uuid import UUID

import pytest

from events import OrderPlaced
from infra.local.servers import Servers
from infra.local.system import services
from saga.testing import enveloped, eventually, stage
from tests.collector import Collector, Span, collecting
from tests.conftest import deployed, in_vhost
from tests.order_saga import ORDER_SAGA
from tests.saga.shop import Shop, aside, order_data, order_for

NOBODY = "http://127.0.0.1:9"
"""Where no collector listens."""


def endpoints(url: str) -> dict[str, str]:
    return {f"{service.name.upper()}_OTLP_ENDPOINT": url for service in ORDER_SAGA}


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as there:
        yield there


@pytest.fixture(scope="module")
async def traced(
    servers: Servers, collector: Collector, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Shop]:
    """A shop whose services send their traces to the collector."""
    async with deployed(servers, ORDER_SAGA) as deployment:
        url = in_vhost(servers.amqp, deployment.administrator.vhost)
        async with (
            aside(services(deployment, tmp_path_factory.mktemp("traced"), endpoints(collector.url))) as processes,
            stage(deployment, url) as on_stage,
        ):
            shop = Shop.open(deployment, processes, on_stage)
            yield shop
            await shop.http.aclose()


async def placed(shop: Shop, order: OrderPlaced, status: str, reason: str | None = None, **headers: str) -> UUID:
    """The order's id, when it has been placed at the door and has come to its end."""
    assert (await shop.post("order", "/orders", order_data(order), **headers)).status_code == 202
    await shop.eventually(order.order_id, status, reason)
    return order.order_id


async def leads(collector: Collector, line: Sequence[str], event_type: str, order_id: UUID) -> None:
    """These spans, each the parent of the next, lead from the trace's first to where the order service hears this."""

    async def as_told() -> bool:
        spans = {span.id: span for span in collector.of(order_id)}
        heard = (s for s in spans.values() if s.attributes.get("cloudevents.event_type") == event_type)
        span = next((s for s in heard if (s.service, s.kind) == ("order", "CONSUMER")), None)
        found: list[str] = []
        while span is not None:
            found.insert(0, f"{span.service}: {span.name}")
            span = spans.get(span.parent)
        assert found == line
        return True

    await eventually(as_told)


async def whole(collector: Collector, shop: Shop, order_id: UUID) -> list[Span]:
    """The order's trace, when it has one root, no gap, and for each event that was heard the span of its saying."""

    async def trace() -> list[Span]:
        spans = collector.of(order_id)
        ids = [span.id for span in spans]
        assert [span.name for span in spans if not span.parent] == ["POST /orders"]
        assert {span.parent for span in spans} - {""} <= set(ids)
        assert len(ids) == len(set(ids))
        heard = [str(e.traceparent).split("-")[1:3] for e in shop.stage.heard if e.saga_id == str(order_id)]
        assert sorted(heard) == sorted([span.trace, span.id] for span in spans if span.kind == "PRODUCER")
        assert len(heard) == sum(span.name == "order follow_order" for span in spans)
        return spans

    return await eventually(trace)


PLACED = ["order: POST /orders", "order: order place_order", "order: say order.placed.v1"]
RESERVED = [*PLACED, "inventory: inventory reserve_stock", "inventory: say stock.reserved.v1"]
CALLED = [*RESERVED, "payment: payment capture_payment", "payment: call Capture"]
BOOKED = [*CALLED, "payment: say payment.captured.v1", "shipping: shipping schedule_shipment", "shipping: call Book"]
FULFILLED = [*BOOKED, "shipping: say shipment.scheduled.v1", "order: order follow_order"]


async def test_a_fulfilled_order_is_one_trace(traced: Shop, collector: Collector) -> None:
    """From the request at the door to the last fact that is heard, each span the child of what it follows from."""
    order_id = await placed(traced, order_for(), "fulfilled")
    await leads(collector, FULFILLED, "shipment.scheduled.v1", order_id)
    spans = await whole(collector, traced, order_id)
    assert {span.service for span in spans} == {"order", "inventory", "payment", "shipping"}
    assert not any(span.failed for span in spans)


async def test_an_order_whose_card_is_declined_is_one_trace(traced: Shop, collector: Collector) -> None:
    """The stock that is given back is a child of the refusal."""
    order = order_for(payment_method="pm_card_chargeDeclined")
    order_id = await placed(traced, order, "rejected", "card_declined")
    undone = ["inventory: inventory release_stock", "inventory: say stock.released.v1", "order: order follow_order"]
    await leads(collector, [*CALLED, "payment: say payment.declined.v1", *undone], "stock.released.v1", order_id)
    spans = await whole(collector, traced, order_id)
    assert {span.service for span in spans} == {"order", "inventory", "payment"}


async def test_an_order_that_is_undone_is_one_trace(traced: Shop, collector: Collector) -> None:
    """Refund and release follow from what the carrier said: the way there, and the way back."""
    order_id = await placed(traced, order_for(country="AQ"), "rejected", "destination_not_served")
    refunded = ["payment: payment refund_payment", "payment: call Refund", "payment: say payment.refunded.v1"]
    undone = ["inventory: inventory release_stock", "inventory: say stock.released.v1", "order: order follow_order"]
    await leads(
        collector, [*BOOKED, "shipping: say shipment.rejected.v1", *refunded, *undone], "stock.released.v1", order_id
    )
    spans = await whole(collector, traced, order_id)
    assert {span.service for span in spans} == {"order", "inventory", "payment", "shipping"}


async def test_a_message_is_described_in_the_words_of_the_conventions(traced: Shop, collector: Collector) -> None:
    order_id = await placed(traced, order_for(), "fulfilled")
    spans = {span.name: span for span in await whole(collector, traced, order_id)}
    heard, said = spans["payment capture_payment"], spans["say stock.reserved.v1"]
    assert (heard.kind, said.kind, spans["call Capture"].kind, spans["POST /orders"].kind) == (
        "CONSUMER",
        "PRODUCER",
        "CLIENT",
        "SERVER",
    )
    assert heard.attributes == {
        "messaging.system": "rabbitmq",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "inventory:stock.reserved.v1:payment",
        "messaging.message.id": said.attributes["messaging.message.id"],
        "messaging.message.conversation_id": str(order_id),
        "cloudevents.event_type": "stock.reserved.v1",
        "saga.step": "capture_payment",
        "saga.outcome": "handled",
    }


async def test_a_request_goes_on_with_its_callers_trace(traced: Shop, collector: Collector) -> None:
    """The caller's span is the parent of ours."""
    trace, caller = token_hex(16), token_hex(8)
    order_id = await placed(traced, order_for(), "fulfilled", traceparent=f"00-{trace}-{caller}-01")
    await leads(collector, FULFILLED, "shipment.scheduled.v1", order_id)
    (answered,) = [span for span in collector.of(order_id) if span.kind == "SERVER"]
    assert (answered.trace, answered.parent) == (trace, caller)


async def test_an_order_that_a_stranger_publishes_is_one_trace(traced: Shop, collector: Collector) -> None:
    """Nobody has begun it, so all who hear of the order begin the same one."""
    order = enveloped(order_for())
    assert order.traceparent is None
    await traced.stage.say(order)
    await leads(collector, FULFILLED[len(PLACED) :], "shipment.scheduled.v1", UUID(order.saga_id))
    roots = [span.name for span in collector.of(order.saga_id) if not span.parent]
    assert sorted(roots) == ["inventory reserve_stock", "order follow_order"]


async def test_a_collector_that_is_away_holds_up_no_order(servers: Servers, tmp_path: Path) -> None:
    """Nor the stop; each log says once that spans are lost."""

    def said(event: str) -> list[int]:
        """How often, in each log."""
        return [path.read_text().count(f'"{event}"') for path in tmp_path.rglob("*.log")]

    async def told() -> bool:
        assert said("traces.lost") == [1] * len(ORDER_SAGA)
        return True

    async with (
        deployed(servers, ORDER_SAGA) as deployment,
        aside(services(deployment, tmp_path, endpoints(NOBODY))) as processes,
        stage(deployment, in_vhost(servers.amqp, deployment.administrator.vhost)) as on_stage,
    ):
        shop = Shop.open(deployment, processes, on_stage)
        await placed(shop, order_for(), "fulfilled")
        await eventually(told, within=30)
        await shop.http.aclose()
    assert said("traces.lost") == said("service.stopped") == [1] * len(ORDER_SAGA)
    assert not any(said("service.stopped_late"))
