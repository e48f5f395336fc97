"""`saga dead`, as an operator types it, on orders that would wait for ever."""

import asyncio
import json
from functools import partial
from urllib.parse import quote
from uuid import uuid4

import aio_pika
from aio_pika import Message
from aio_pika.abc import AbstractIncomingMessage, HeadersType

from events import OrderPlaced, StockReserved
from infra.local.servers import Servers
from inventory_service.handlers import inventory
from order_service.handlers import order
from payment_service.handlers import payment
from saga import Service
from saga.deadletters import Letter, held
from saga.testing import eventually
from tests.conftest import in_vhost
from tests.saga.shop import Shop, order_for
from tests.saga.test_command_line import saga

Told = dict[str, str]


async def parked(told: Told, identity: object, *services: Service) -> list[Letter]:
    """The letters of this id or this saga, as soon as each of these services has one."""

    async def found() -> list[Letter] | None:
        async with held(told["SAGA_ADMIN_AMQP_URL"], services) as letters:
            mine = [letter for letter in letters if str(identity) in {letter.id, letter.saga_id}]
            return mine if {letter.service for letter in mine} == set(services) else None

    letters = await eventually(found, within=30)
    assert letters is not None
    return letters


async def test_an_order_whose_step_nobody_can_handle_is_refused_and_undone(
    shop: Shop, servers: Servers, told: Told
) -> None:
    """What payment hears is beyond understanding: an operator declines in its place, and the stock goes back."""
    await shop.stock_up("GARBLED", berlin=2)
    placed = order_for(sku="GARBLED")
    await _garbled_for_payment(shop, servers, placed)
    (letter,) = await parked(told, placed.order_id, payment)
    assert (letter.type, letter.error) == ("stock.reserved.v1", "InvalidContent")
    said = await saga(told, "dead", "refuse", letter.id, "--service", "payment", "--reason", "unreadable")
    assert (said.returncode, "payment says payment.declined.v1" in said.stdout) == (0, True), said.stderr
    await shop.eventually(placed.order_id, "rejected", "unreadable")
    assert await shop.available("GARBLED") == 2
    await shop.settled()
    assert await shop.unbalanced() == []
    again = await saga(told, "dead", "refuse", letter.id)
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)
    assert f"no dead letter {letter.id}" in again.stderr


async def test_a_step_is_rehearsed_mended_and_replayed(shop: Shop, told: Told) -> None:
    """The rehearsal tells why it would fail, and then what it would do; the replay does it."""
    placed = order_for()
    await shop.ask(
        "payment",
        "INSERT INTO payment (order_id, payment_id, status, amount, currency) VALUES ($1, 'x', 'pending', 1, 'EUR')",
        placed.order_id,
    )
    await shop.publish(placed)
    (letter,) = await parked(told, placed.order_id, payment)
    failing = await saga(told, "dead", "replay", letter.id, "--dry-run")
    assert "parks again  UniqueViolationError" in failing.stdout
    await shop.ask("payment", "DELETE FROM payment WHERE order_id = $1", placed.order_id)
    rehearsed = await saga(told, "dead", "replay", letter.id, "--dry-run")
    assert "capture_payment runs; then capture_payment is done" in rehearsed.stdout
    assert "payment  new" in rehearsed.stdout
    assert "calls Capture" in rehearsed.stdout
    assert (await shop.get("payment", f"/payments/{placed.order_id}"))["status"] == 404
    said = await saga(told, "dead", "replay", letter.id)
    assert said.stdout == "replayed 1, payment 1\n", said.stderr
    await shop.eventually(placed.order_id, "fulfilled")


async def test_a_letter_is_discarded_for_a_reason_and_on_record(shop: Shop, told: Told) -> None:
    """From each service that holds it."""
    identity = await _hopeless(shop)
    await parked(told, identity, inventory, order)
    said = await saga(told, "dead", "discard", identity, "--reason", "a joke", "--by", "grace")
    assert said.stdout == "discarded 2, inventory 1, order 1\n", said.stderr
    records = json.loads((await saga(told, "dead", "list", "--discarded", "--json")).stdout)
    mine = [
        (record["service"], record["reason"], record["discarded_by"]) for record in records if record["id"] == identity
    ]
    assert sorted(mine) == [("inventory", "a joke", "grace"), ("order", "a joke", "grace")]


async def test_a_letter_of_any_name_is_found_at_its_service_s_door(shop: Shop, told: Told) -> None:
    """A stranger may have named it as if it were a path."""
    identity = f"team/{uuid4()}?50%#1"
    await shop.stage.say_raw("orders", "order.placed.v1", Message(b"one chair, please", message_id=identity))
    await parked(told, identity, inventory, order)
    path = f"/dead/{quote(identity, safe='')}/discard"
    answers = [await shop.post(service, path, {"reason": "a joke"}) for service in ("inventory", "order")]
    assert [answer.json() for answer in answers] == [{"id": identity, "done": "discarded"}] * 2


async def test_discarding_many_is_asked_about(shop: Shop, told: Told) -> None:
    """They are shown, and stay unless the operator agrees."""
    identity = await _hopeless(shop)
    await parked(told, identity, inventory, order)
    many = ("dead", "discard", "--all", "--parked-for", "invalid json", "--newer", "1h", "--reason", "a joke")
    declined = await saga(told, *many, typed="n\n")
    assert (declined.returncode, identity in declined.stdout) == (1, True)
    assert len(await parked(told, identity, inventory, order)) == 2
    agreed = await saga(told, *many, typed="y\n")
    assert agreed.stdout.splitlines()[-1].endswith("inventory 1, order 1"), agreed.stderr
    listed = await saga(told, "dead", "list", "--json")
    assert identity not in {letter["id"] for letter in json.loads(listed.stdout)}


async def test_a_letter_is_shown_whole(shop: Shop, told: Told) -> None:
    """And nothing of it obeys its sender."""
    identity = await _hopeless(shop, b'{"order_id": "\x1b[2J"}')
    await parked(told, identity, inventory, order)
    said = await saga(told, "dead", "show", identity, "--service", "inventory")
    assert "reserve_stock (compensatable), which may say stock.rejected.v1, stock.reserved.v1" in said.stdout
    assert "x-original-exchange     orders" in said.stdout
    assert "\x1b" not in said.stdout
    assert len(await shop.stage.take_dead_letters("inventory") + await shop.stage.take_dead_letters("order")) == 2


async def _hopeless(shop: Shop, body: bytes = b"one chair, please") -> str:
    """An order that nobody will ever understand; its id."""
    identity = str(uuid4())
    await shop.stage.say_raw("orders", "order.placed.v1", Message(body, message_id=identity))
    return identity


async def _garbled_for_payment(shop: Shop, servers: Servers, placed: OrderPlaced) -> None:
    """The order's stock is reserved, and payment hears something else of it than the others."""
    await asyncio.to_thread(shop.services.stop, "payment")
    try:
        await shop.publish(placed)
        await shop.stage.hears(StockReserved, placed.order_id)
        heard = await eventually(partial(_take, shop, servers, "payment"))
        assert heard is not None
        headers: HeadersType = {"x-original-exchange": "inventory", "x-original-routing-key": "stock.reserved.v1"}
        garbled = Message(heard.body.replace(b'"amount":', b'"amount":-'), headers=headers, message_id=heard.message_id)
        await shop.stage.say_raw("payment.retry", "payment", garbled)
    finally:
        shop.services.start("payment")
    await asyncio.to_thread(shop.services.wait, "payment")


async def _take(shop: Shop, servers: Servers, queue: str) -> AbstractIncomingMessage | None:
    """The message that waits there; it is gone then."""
    async with await aio_pika.connect(in_vhost(servers.amqp, shop.deployment.administrator.vhost)) as connection:
        channel = await connection.channel()
        return await (await channel.get_queue(queue, ensure=False)).get(no_ack=True, fail=False)
