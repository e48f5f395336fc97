"""Who overhears understands whatever passes by, hides nothing from others, and can't fill the broker."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import uuid4

import pytest
from aio_pika.abc import AbstractIncomingMessage

from events import CONTENT_TYPE, Event
from infra.local.system import EVERYBODY, SERVICES
from inventory_service.handlers import inventory
from observer_service.handlers import watching
from saga import Pool, Service, Tx
from saga.broker import Incoming
from saga.deadletters.reading import read
from saga.errors import ChoreographyError
from saga.overhearing import Course, Onlooker, Overheard
from saga.testing import enveloped
from saga.topology import Binding, derive
from tests.builders import order_placed, stock_reserved
from tests.unit.test_dead_letters import message

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TOPOLOGY = derive(EVERYBODY)
OURS = [binding for binding in TOPOLOGY.bindings if binding.queue == "observer"]


def onlooker() -> Onlooker:
    observer = watching(*SERVICES)
    assert observer.overhears is not None
    return Onlooker(observer, cast(Pool, None), observer.overhears)


def passing(body: bytes, exchange: str, routing_key: str, **told: Any) -> AbstractIncomingMessage:
    passed = message(body, told.pop("headers", {}), **told)
    passed.exchange, passed.routing_key = exchange, routing_key  # type: ignore[misc] # a stand-in's
    return passed


def heard(passed: AbstractIncomingMessage) -> Overheard | None:
    understood = onlooker().understand(cast(Incoming, passed))
    return understood[1] if understood else None


def test_it_is_bound_to_what_is_declared_and_to_what_nobody_hears() -> None:
    """Never to everything: else what is misspelt would no longer be unrouted for others."""
    said = {(event.exchange, event.event_type) for service in SERVICES for event in (*service.said, *service.heard)}
    assert {(b.exchange, b.routing_key) for b in OURS if b.exchange in dict(said)} == said
    assert Binding("unrouted", "observer", "") in OURS
    assert not any("#" in binding.routing_key or "*" in binding.routing_key for binding in OURS)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_it_is_told_what_becomes_of_messages_that_a_service_cannot_handle(service: Service) -> None:
    """That they are tried again, have parked, are given back, and are thrown away."""
    keys = {binding.routing_key for binding in OURS if binding.exchange == f"{service.name}.retry"}
    name = service.name
    assert keys == {
        name,
        f"{name}.retry.5s",
        f"{name}.retry.30s",
        f"{name}.retry.5m",
        f"{name}.dead",
        f"{name}.discarded",
    }


def test_its_queue_drops_the_oldest_rather_than_to_fill_the_broker() -> None:
    """And nothing that it drops goes anywhere else."""
    (policy,) = [policy for policy in TOPOLOGY.policies if policy.queue == "observer"]
    assert policy.definition["overflow"] == "drop-head"
    assert not any(key.startswith("dead-letter") for key in policy.definition)


def test_it_may_publish_nothing_but_its_own_failures() -> None:
    (user,) = [user for user in TOPOLOGY.users if user.name == "observer"]
    assert (user.write, user.read) == (r"^(observer\.retry)$", r"^(observer|observer\.dead)$")
    assert "observer" not in {exchange.name for exchange in TOPOLOGY.exchanges}


def test_an_event_of_its_owner_is_taken_as_it_is() -> None:
    event = enveloped(stock_reserved(), source="inventory")
    told = heard(passing(event.encode(), "inventory", event.type, content_type=CONTENT_TYPE))
    assert told is not None
    assert (told.id, told.source, told.saga_id, told.time) == (event.id, event.source, event.saga_id, event.time)
    assert (told.body, told.is_whole, told.diverted) == (event.encode(), True, None)


def test_bare_data_at_a_front_door_are_understood_as_by_everybody_else() -> None:
    """Pasted twice, they are one event, of the same id as for those who act on them."""
    event = order_placed()
    passed = passing(event.model_dump_json().encode(), "orders", event.event_type, message_id=None)
    first, again = heard(passed), heard(passed)
    assert first is not None
    assert again is not None
    assert (first.id, first.saga_id, first.is_whole) == (again.id, str(event.order_id), False)


def test_an_event_that_nobody_declares_is_told_if_it_says_of_which_saga_it_is() -> None:
    stranger = (
        b'{"specversion": "1.0", "id": "1", "source": "x", "type": "order.plcaed.v1", "subject": "s", "data": {}}'
    )
    told = heard(passing(stranger, "orders", "order.plcaed.v1", content_type=CONTENT_TYPE))
    assert told is not None
    assert (told.type, told.saga_id) == ("order.plcaed.v1", "s")


@pytest.mark.parametrize("exchange", ["orders", "inventory", "elsewhere"])
@pytest.mark.parametrize("body", [b"", b"hello", b"\xff", b"[]", b"{}", b'{"id": 7}', b"null", b'{"data": {}}'])
def test_what_nobody_understands_is_passed_over(exchange: str, body: bytes) -> None:
    """It has parked with who should have heard it, or is unrouted: there is no need to keep it a third time."""
    assert heard(passing(body, exchange, "stock.reserved.v1")) is None


def test_a_letter_that_the_broker_parks_again_has_parked_again() -> None:
    """It leaves the headers as they are: those of the replay tell of before."""
    headers = {"x-replayed-at": NOON.isoformat(), "x-original-exchange": "inventory", "x-reason": "of before"}
    death = {
        "queue": "payment",
        "time": NOON + timedelta(hours=1),
        "exchange": "payment.retry",
        "routing-keys": ["payment"],
    }
    told = diverted("payment.dead", **headers, **{"x-death": [death]})
    assert told is not None
    assert told.diverted is not None
    assert (told.diverted.course, told.diverted.at) == (Course.PARKED, NOON + timedelta(hours=1))
    assert told.diverted.reason == "given out too often without an answer"


@pytest.mark.parametrize("identity", ["a\0b", "x" * 12_000, 7, None, {}])
def test_a_letter_that_nobody_understands_has_the_name_by_which_it_is_found_there(identity: object) -> None:
    """Whatever its sender has called it: a name that the database can't keep would have the observer try for ever."""
    body = json.dumps({"specversion": "1.0", "id": identity, "subject": "s", "data": {}}).encode()
    parked = [
        passing(told, "inventory.retry", "inventory.dead", content_type=CONTENT_TYPE, message_id=None)
        for told in (body, body + b" ")
    ]
    names = [told.id for told in map(heard, parked) if told]
    assert names == [read(inventory, letter).id for letter in parked]
    assert len(set(names)) == 2


def diverted(routing_key: str, **headers: object) -> Overheard | None:
    event = enveloped(stock_reserved())
    came_from = {"x-original-exchange": "inventory", "x-original-routing-key": event.type}
    passed = passing(
        event.encode(), "payment.retry", routing_key, headers=came_from | headers, content_type=CONTENT_TYPE
    )
    return heard(passed)


@pytest.mark.parametrize(
    ("routing_key", "header", "course"),
    [
        ("payment.retry.5s", "x-retried-at", Course.RETRIED),
        ("payment.dead", "x-parked-at", Course.PARKED),
        ("payment", "x-replayed-at", Course.REPLAYED),
        ("payment.discarded", "x-discarded-at", Course.DISCARDED),
    ],
)
def test_a_message_on_its_service_s_own_ways_tells_where_it_goes_and_why(
    routing_key: str, header: str, course: Course
) -> None:
    told = diverted(routing_key, **{header: NOON.isoformat(), "x-error": "RuntimeError", "x-reason": "broken"})
    assert told is not None
    assert told.diverted is not None
    assert (told.type, told.diverted.service, told.diverted.course) == ("stock.reserved.v1", "payment", course)
    assert (told.diverted.at, told.diverted.error, told.diverted.reason) == (NOON, "RuntimeError", "broken")


def test_what_comes_back_from_a_tier_by_itself_is_no_news() -> None:
    assert diverted("payment") is None


def test_a_parked_message_that_nobody_understands_is_told_of_its_saga() -> None:
    """As far as it can be read: an operator looks for the order, and not for the message."""
    saga_id = str(uuid4())
    came_from = {"x-original-exchange": "orders", "x-original-routing-key": "order.placed.v1"}
    body = f'{{"order_id": "{saga_id}", "lines": []}}'.encode()
    told = heard(passing(body, "inventory.retry", "inventory.dead", headers=came_from))
    assert told is not None
    assert told.saga_id == saga_id


def test_who_overhears_does_nothing_else() -> None:
    """It takes a batch, says nothing, and has no steps."""
    toy = Service("toy")

    async def alone(one: Overheard, tx: Tx) -> None: ...

    async def speaks(several: list[Overheard], tx: Tx) -> list[Event]:
        return []

    for handler in (alone, speaks):
        with pytest.raises(ChoreographyError):
            toy.overhear()(handler)
