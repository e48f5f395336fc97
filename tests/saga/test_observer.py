"""The observer, as who asks it sees it: every order's story, whatever happens to the observer meanwhile."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from urllib.parse import quote
from uuid import UUID, uuid4

import asyncpg
import httpx
from aio_pika import Message

from events import CONTENT_TYPE, Envelope, Event, OrderCancelled, OrderPlaced
from observer_service.handlers import observer
from observer_service.rebuilding import diversion
from observer_service.story import State
from saga import transaction
from saga.database import open_pool
from saga.overhearing import Overheard
from saga.testing import enveloped, eventually
from tests.builders import order_placed
from tests.saga.shop import Json, Shop, order_for
from tests.saga.test_command_line import saga

Told = dict[str, str]


async def story(shop: Shop, saga_id: object) -> Json:
    return await shop.get("observer", f"/sagas/{quote(str(saga_id), safe='')}")


async def stands(shop: Shop, saga_id: object, state: State, within: float = 20) -> Json:
    """Its story, as soon as it stands so."""

    async def reached() -> Json:
        told = await story(shop, saga_id)
        assert told.get("state") == state, told
        return told

    return await eventually(reached, within)


def types(told: Json) -> list[str]:
    return [event["type"].removesuffix(".v1") for event in told["events"]]


async def test_a_fulfilled_order_has_succeeded(shop: Shop) -> None:
    """Its events stand in causal order, each with its cause, its step and what that took; nothing remains."""
    placed = order_for()
    await shop.publish(placed)
    told = await stands(shop, placed.order_id, State.SUCCEEDED)
    assert types(told) == ["order.placed", "stock.reserved", "payment.captured", "shipment.scheduled"]
    assert told["remaining"] == []
    ids = [event["id"] for event in told["events"]]
    assert [event["causationid"] for event in told["events"]] == [None, *ids[:-1]]
    assert [event["step"] for event in told["events"]] == [
        None,
        "inventory.reserve_stock",
        "payment.capture_payment",
        "shipping.schedule_shipment",
    ]
    assert all(event["seconds"] > 0 for event in told["events"][1:])


async def test_a_dispatched_order_has_succeeded_and_cannot_be_cancelled(shop: Shop) -> None:
    placed = order_for()
    await shop.publish(placed)
    await stands(shop, placed.order_id, State.SUCCEEDED)
    await shop.post("shipping", f"/shipments/{placed.order_id}/dispatch")
    await shop.publish(OrderCancelled(order_id=placed.order_id, reason="too late"))

    async def is_told() -> bool:
        told = await story(shop, placed.order_id)
        return told["state"] == "succeeded" and {"stock.deducted", "shipment.cancellation_refused"} <= set(types(told))

    await eventually(is_told)


async def test_an_order_that_was_undone_is_compensated_and_tells_what_undid_what(shop: Shop) -> None:
    """Antarctica is not served: money and stock go back."""
    placed = order_for(country="AQ")
    await shop.publish(placed)
    told = await stands(shop, placed.order_id, State.COMPENSATED)
    assert types(told)[3:] == ["shipment.rejected", "payment.refunded", "stock.released"]
    assert [event["undoes"] for event in told["events"]][3:] == [
        None,
        "payment.capture_payment",
        "inventory.reserve_stock",
    ]
    assert [event["refuses"] for event in told["events"]] == [False, False, False, True, False, False]


async def test_an_order_of_what_is_not_there_is_refused(shop: Shop) -> None:
    """There was nothing to undo."""
    placed = order_for(sku="SOFA")
    await shop.publish(placed)
    assert types(await stands(shop, placed.order_id, State.REFUSED)) == ["order.placed", "stock.rejected"]


async def test_personal_data_are_masked_wherever_they_stand(shop: Shop) -> None:
    placed = order_placed(customer_id="nobody-else-is-called-this")
    await shop.publish(placed)
    told = await stands(shop, placed.order_id, State.SUCCEEDED)
    data = told["events"][0]["data"]
    assert data["lines"][0]["sku"] == "CHAIR"
    assert data["ship_to"] == dict.fromkeys(("name", "street", "city", "postal_code"), "•••") | {"country": "GB"}
    assert placed.ship_to.name not in str(told)
    assert placed.customer_id not in str(told)


async def test_sagas_are_found_by_state_by_what_they_wait_for_and_by_the_beginning_of_their_ids(shop: Shop) -> None:
    """A page at a time, from the newest."""
    orders = [order_for(sku="SOFA") for _ in range(3)]
    for placed in orders:
        await shop.publish(placed)
    for placed in orders:
        await stands(shop, placed.order_id, State.REFUSED)
    one = str(orders[0].order_id)
    assert [found["saga_id"] for found in await sagas(shop, begins_with=one[:30])] == [one]
    assert one not in {found["saga_id"] for found in await sagas(shop, state="running")}
    refused = [found["saga_id"] for found in await sagas(shop, state="refused", limit="1000")]
    assert {str(placed.order_id) for placed in orders} <= set(refused)
    pages = [found["saga_id"] for found in await sagas(shop, state="refused", limit="2")]
    while page := await sagas(shop, state="refused", limit="2", after=pages[-1]):
        pages += [found["saga_id"] for found in page]
    assert pages == refused
    assert await sagas(shop, waits_for="nobody.waits") == []


async def sagas(shop: Shop, **asked: str) -> list[Json]:
    response = await shop.http.get(f"{shop.services.url('observer')}/sagas", params=asked)
    found: list[Json] = response.raise_for_status().json()
    return found


async def test_what_nobody_was_told_of_is_not_known(shop: Shop) -> None:
    response = await shop.http.get(f"{shop.services.url('observer')}/sagas/{uuid4()}")
    assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json")


async def test_without_the_observer_no_order_is_affected_and_it_catches_up_without_a_gap(shop: Shop) -> None:
    """It is killed under load; when it is there again, it has heard all that was said, by anybody."""
    shop.services.kill("observer")
    orders = [order_for(country=country) for country in ("GB", "AQ") for _ in range(20)]
    for placed in orders:
        await shop.publish(placed)
    for placed in orders:
        ended = ("fulfilled", None) if placed.ship_to.country == "GB" else ("rejected", "destination_not_served")
        await shop.eventually(placed.order_id, *ended)
    shop.services.start("observer")
    await asyncio.to_thread(shop.services.wait, "observer")
    for placed in orders:
        state = State.SUCCEEDED if placed.ship_to.country == "GB" else State.COMPENSATED
        told = await stands(shop, placed.order_id, state)
        assert types(told) == [event.removesuffix(".v1") for event in _heard(shop, placed.order_id)]


def _heard(shop: Shop, order_id: UUID) -> list[str]:
    told = [envelope for envelope in shop.stage.heard if envelope.saga_id == str(order_id)]
    return [envelope.type for envelope in sorted(told, key=lambda envelope: envelope.time)]


async def test_what_is_said_again_in_another_order_makes_no_other_story(shop: Shop) -> None:
    """Every event twice more, backwards."""
    placed = order_for(country="AQ")
    await shop.publish(placed)
    before = await stands(shop, placed.order_id, State.COMPENSATED)
    said = [envelope for envelope in shop.stage.heard if envelope.saga_id == str(placed.order_id)]
    await _say_again(shop, [*reversed(said), *reversed(said)])
    last = order_for()
    await shop.publish(last)
    await stands(shop, last.order_id, State.SUCCEEDED)
    assert await story(shop, placed.order_id) == before


async def _say_again(shop: Shop, said: Sequence[Envelope[Event]]) -> None:
    for envelope in said:
        message = Message(envelope.encode(), content_type=CONTENT_TYPE, message_id=envelope.id, type=envelope.type)
        await shop.stage.say_raw(envelope.data.exchange, envelope.type, message)


async def test_a_message_that_parks_makes_its_order_stuck_until_an_operator_settles_it(shop: Shop) -> None:
    """The observer was told why; the service's own API replays the letter, and the order goes on."""
    placed = order_for()
    await shop.ask(
        "payment",
        "INSERT INTO payment (order_id, payment_id, status, amount, currency) VALUES ($1, 'x', 'pending', 1, 'EUR')",
        placed.order_id,
    )
    await shop.publish(placed)
    told = await stands(shop, placed.order_id, State.STUCK)
    assert (told["reason"], told["remaining"]) == ("parked", ["payment.capture_payment"])
    assert "UniqueViolationError" in told["detail"]
    assert [diversion["course"] for diversion in told["diversions"]] == ["retried", "retried", "parked"]
    await shop.ask("payment", "DELETE FROM payment WHERE order_id = $1", placed.order_id)
    (letter,) = [one for one in await _letters(shop, "payment") if one["saga_id"] == str(placed.order_id)]
    assert (letter["step"], letter["refusable"]) == ("capture_payment", True)
    assert (await shop.post("payment", f"/dead/{letter['id']}/replay")).status_code == httpx.codes.ACCEPTED
    assert (await stands(shop, placed.order_id, State.SUCCEEDED))["diversions"][-1]["course"] == "replayed"


async def _letters(shop: Shop, service: str) -> list[Json]:
    response = await shop.http.get(f"{shop.services.url(service)}/dead")
    letters: list[Json] = response.raise_for_status().json()
    return letters


HEARERS = ("order", "inventory")
"""Of a placed order."""


async def test_an_order_that_was_thrown_away_is_no_longer_stuck(shop: Shop) -> None:
    """Nobody could make sense of it, nobody has done anything for it, and nobody will."""
    placed = order_for()
    garbled = replace(enveloped(placed), correlationid=str(placed.order_id))
    body = garbled.encode().replace(b'"quantity":2', b'"quantity":0')
    message = Message(body, content_type=CONTENT_TYPE, message_id=garbled.id, type=garbled.type)
    await shop.stage.say_raw("orders", garbled.type, message)
    told = await stands(shop, placed.order_id, State.STUCK)
    assert "quantity" in told["detail"]
    for service in HEARERS:
        (letter,) = [one for one in await _letters(shop, service) if one["saga_id"] == str(placed.order_id)]
        done = await shop.post(service, f"/dead/{letter['id']}/discard", {"reason": "a test"})
        assert done.status_code == httpx.codes.ACCEPTED
    told = await stands(shop, placed.order_id, State.REFUSED)
    assert [diversion["course"] for diversion in told["diversions"]].count("discarded") == len(HEARERS)


async def test_what_nobody_hears_still_lands_where_an_operator_finds_it(shop: Shop) -> None:
    """The observer hears it too, and doesn't hide it."""
    before = await shop.stage.waiting("unrouted")
    saga_id = f"a/{uuid4()}?#"
    stranger = {"specversion": "1.0", "id": saga_id, "source": "test", "type": "order.plcaed.v1", "subject": saga_id}
    body = str(stranger | {"data": {}}).replace("'", '"').encode()
    # As it comes from the topic exchange, if nobody hears it: but the stage hears everything.
    await shop.stage.say_raw("unrouted", "order.plcaed.v1", Message(body, content_type=CONTENT_TYPE))
    told = await stands(shop, saga_id, State.SUCCEEDED)
    assert types(told) == ["order.plcaed"]
    assert await shop.stage.waiting("unrouted") == before + 1


async def test_an_order_that_waits_too_long_is_late(shop: Shop) -> None:
    """As long as payment stands still; it is told since when and for what it waits."""
    shop.services.stop("payment")
    placed = order_for()
    await shop.publish(placed)
    told = await stands(shop, placed.order_id, State.STUCK, within=30)
    assert (told["reason"], told["remaining"]) == ("deadline", ["payment.capture_payment"])
    shop.services.start("payment")
    await asyncio.to_thread(shop.services.wait, "payment")
    assert (await stands(shop, placed.order_id, State.SUCCEEDED))["reason"] is None


async def test_how_sagas_stand_can_be_dropped_and_told_anew(shop: Shop, told: Told) -> None:
    """What is rebuilt from the events is what was there."""
    orders: list[OrderPlaced] = [order_for(), order_for(country="AQ"), order_for(sku="SOFA")]
    for placed in orders:
        await shop.publish(placed)
    await shop.settled()
    await asyncio.sleep(1)
    query = "SELECT saga_id, state, remaining, waits_for, waits_since, began_at, changed_at FROM saga ORDER BY saga_id"
    before = await shop.ask("observer", query)
    assert len(before) >= len(orders)
    await shop.ask("observer", "TRUNCATE saga")
    done = await saga(told, "observer", "rebuild")
    assert (done.returncode, f"{len(before)} sagas were told anew" in done.stdout) == (0, True), done.stderr
    assert await shop.ask("observer", query) == before


async def test_what_services_have_stored_is_held_against_what_they_said(shop: Shop, told: Told) -> None:
    """A fence that says otherwise is named, with the order and the step."""
    placed = order_for(country="AQ")
    await shop.publish(placed)
    await stands(shop, placed.order_id, State.COMPENSATED)
    await shop.settled()
    held = await saga(told, "observer", "compare", "--settled", "0s")
    assert str(placed.order_id) not in held.stdout
    await shop.ask("payment", "DELETE FROM saga.fence WHERE saga_id = $1", str(placed.order_id))
    held = await saga(told, "observer", "compare", "payment", "--settled", "0s")
    assert held.returncode == 1
    by_the_events = f"payment: {placed.order_id}: by what was said capture_payment is compensated"
    assert f"{by_the_events}; the service's fence stands with no entry of it" in held.stdout


async def test_a_story_is_told_in_the_terminal(shop: Shop, told: Told) -> None:
    placed = order_for(country="AQ")
    await shop.publish(placed)
    await stands(shop, placed.order_id, State.COMPENSATED)
    shown = await saga(told | {"SAGA_OBSERVER_URL": shop.services.url("observer")}, "story", str(placed.order_id))
    lines = shown.stdout.splitlines()
    assert (shown.returncode, lines[-1]) == (0, "compensated"), shown.stderr
    assert ["✗ shipment.rejected.v1" in lines[3], "↩ stock.released.v1" in lines[5]] == [True, True], shown.stdout
    unknown = await saga(told | {"SAGA_OBSERVER_URL": shop.services.url("observer")}, "story", str(uuid4()))
    assert (unknown.returncode, "heard nothing of" in unknown.stderr) == (1, True)


async def test_a_whole_store_that_is_heard_twice_and_shuffled_tells_the_same_stories(shop: Shop) -> None:
    """All that happened to the orders above, and to some more: messages and diversions, in any order and batches."""
    orders = [order_for(country=country) for country in ("GB", "AQ") for _ in range(MANY // 2)]
    for placed in orders:
        await shop.publish(placed)
    for placed in orders:
        state = State.SUCCEEDED if placed.ship_to.country == "GB" else State.COMPENSATED
        await stands(shop, placed.order_id, state)
    await shop.settled()
    before = await _at_rest(shop)
    assert len(before) >= MANY
    events = [Overheard(**event) for event in await shop.ask("observer", EVENTS)]
    diversions = [diversion(row) for row in await shop.ask("observer", "SELECT * FROM diversion")]
    await shop.ask("observer", "TRUNCATE event, diversion, saga")
    dice = Random(20261123)
    heard = [*events, *diversions] * 2
    dice.shuffle(heard)
    step = observer.overhears
    assert step
    pool = await open_pool(shop.deployment.database_url("observer"), size=2, application="test")
    while heard:
        batch = [heard.pop() for _ in range(min(dice.randint(1, 100), len(heard)))]
        async with transaction(pool) as tx:
            await step.handler(batch, tx)
    await pool.close()
    assert await shop.ask("observer", STORIES) == before


async def _at_rest(shop: Shop) -> list[asyncpg.Record]:
    """All stories, once the observer has heard nothing new for two seconds: it may be behind."""

    async def same_as_before() -> list[asyncpg.Record]:
        before = await shop.ask("observer", STORIES)
        await asyncio.sleep(2)
        assert await shop.ask("observer", STORIES) == before
        return before

    return await eventually(same_as_before, within=30)


MANY = 30
STORIES = """
    SELECT saga_id, state, remaining, waits_for, waits_since, reason, detail, began_at, changed_at FROM saga
    ORDER BY saga_id
"""
EVENTS = "SELECT id, source, type, saga_id, time, causationid, traceparent, exchange, body, is_whole FROM event"
