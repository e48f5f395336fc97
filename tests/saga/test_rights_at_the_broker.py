"""Everything that a user might try at the broker: each may do its own, and nothing else.

What was allowed is compared as a whole, so that neither a right too many nor an attempt that can't work goes unnoticed.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import closing
from typing import TypeVar

import httpx
import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import AMQPConnectionError, ChannelClosedByBroker

from infra.local.servers import Servers
from infra.local.system import SERVICES
from saga.provisioning import Deployment
from saga.topology import PUBLISHER, derive
from tests.conftest import QUICK_TIERS, deployed

MAY_PUBLISH = {
    "order": {"orders", "order.retry"},
    "inventory": {"inventory", "inventory.retry"},
    "payment": {"payment", "payment.retry"},
    "shipping": {"shipping", "shipping.retry"},
    PUBLISHER: {"orders"},
}
MAY_READ = {service.name: {service.name, f"{service.name}.dead"} for service in SERVICES} | {PUBLISHER: set()}

TOPOLOGY = derive(SERVICES, QUICK_TIERS)
QUEUES = {queue.name for queue in TOPOLOGY.queues}
EXCHANGES = {exchange.name for exchange in TOPOLOGY.exchanges}
BUILT_IN = {"", "amq.direct", "amq.fanout", "amq.headers", "amq.match", "amq.topic", "amq.rabbitmq.trace"}
ACCESS_REFUSED, PRECONDITION_FAILED = 403, 406

T = TypeVar("T")
every_user = pytest.mark.parametrize("user", MAY_PUBLISH)


@pytest.fixture(scope="module")
async def deployment(servers: Servers) -> AsyncIterator[Deployment]:
    """The shop's topology, and nobody at work in it."""
    async with deployed(servers, SERVICES) as provisioned:
        yield provisioned


@pytest.fixture
def connection(deployment: Deployment, user: str) -> Iterator[BlockingConnection]:
    """With the user's own credentials."""
    with closing(BlockingConnection(pika.URLParameters(deployment.amqp_url(user)))) as connection:
        yield connection


def allowed(
    connection: BlockingConnection, tries: Iterable[T], attempt: Callable[[BlockingChannel, T], object]
) -> set[T]:
    """Those that the broker let pass; each has a channel of its own, since a refusal closes it."""
    passed = set()
    for tried in tries:
        channel = connection.channel()
        try:
            attempt(channel, tried)
        except ChannelClosedByBroker as refusal:
            assert refusal.reply_code == ACCESS_REFUSED, (tried, refusal)  # noqa: PT017 — the others are told below
        else:
            passed.add(tried)
            channel.close()
    return passed


def publish(channel: BlockingChannel, exchange: str) -> None:
    """Under a name that leads to a queue at the default exchange, and to none at the others."""
    channel.confirm_delivery()
    channel.basic_publish(exchange, "payment", b"{}")


@every_user
def test_nobody_publishes_where_another_speaks(connection: BlockingConnection, user: str) -> None:
    """Not to another's exchange or the way of its retries, and not to the default one, which leads into every queue."""
    assert allowed(connection, EXCHANGES | BUILT_IN, publish) == MAY_PUBLISH[user]


@every_user
def test_nobody_reads_or_empties_what_another_hears(connection: BlockingConnection, user: str) -> None:
    """Dead letters, retry tiers and the unrouted among them."""

    def consume(channel: BlockingChannel, queue: str) -> None:
        channel.basic_cancel(channel.basic_consume(queue, lambda *_: None))

    for attempt in (BlockingChannel.basic_get, consume, BlockingChannel.queue_purge):
        assert allowed(connection, QUEUES, attempt) == MAY_READ[user]


@every_user
def test_nobody_declares_or_deletes_anything(connection: BlockingConnection, user: str) -> None:
    """Not even what is its own, or for itself alone."""

    def declare_queue(channel: BlockingChannel, queue: str) -> None:
        channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})

    def declare_for_itself(channel: BlockingChannel, queue: str) -> None:
        channel.queue_declare(queue, exclusive=True)

    def declare_exchange(channel: BlockingChannel, exchange: str) -> None:
        channel.exchange_declare(exchange, "topic", durable=True)

    queues, exchanges = QUEUES | {"mine"}, EXCHANGES | {"mine"}
    assert allowed(connection, queues, declare_queue) == set()
    assert allowed(connection, queues, BlockingChannel.queue_delete) == set()
    assert allowed(connection, exchanges, declare_exchange) == set()
    assert allowed(connection, exchanges, BlockingChannel.exchange_delete) == set()
    assert allowed(connection, ["", "mine", "amq.gen-mine"], declare_for_itself) == set()


@every_user
def test_nobody_binds_or_unbinds_anything(connection: BlockingConnection, user: str) -> None:
    """A binding would let it hear what it was not given, or keep another from hearing."""

    def bind(channel: BlockingChannel, ends: tuple[str, str]) -> None:
        channel.queue_bind(*ends, "order.placed.v1")

    def unbind(channel: BlockingChannel, ends: tuple[str, str]) -> None:
        channel.queue_unbind(*ends, "order.placed.v1")

    def bind_exchange(channel: BlockingChannel, ends: tuple[str, str]) -> None:
        channel.exchange_bind(*ends, "#")

    def unbind_exchange(channel: BlockingChannel, ends: tuple[str, str]) -> None:
        channel.exchange_unbind(*ends, "#")

    own_exchange, *_ = sorted(MAY_PUBLISH[user])
    queues = {(user, source) for source in (EXCHANGES | BUILT_IN) - {""}} | {(queue, own_exchange) for queue in QUEUES}
    exchanges = {(own_exchange, source) for source in EXCHANGES} | {(target, own_exchange) for target in EXCHANGES}
    assert allowed(connection, queues, bind) | allowed(connection, queues, unbind) == set()
    assert allowed(connection, exchanges, bind_exchange) | allowed(connection, exchanges, unbind_exchange) == set()


@every_user
def test_nobody_speaks_in_anothers_name(connection: BlockingConnection, deployment: Deployment, user: str) -> None:
    """The broker compares the `user_id` of a message with who is connected."""
    (exchange, *_) = MAY_PUBLISH[user]
    said_by_itself = set()
    for name in MAY_PUBLISH:
        channel = connection.channel()
        channel.confirm_delivery()
        properties = pika.BasicProperties(user_id=deployment.prefix + name)
        try:
            channel.basic_publish(exchange, "x", b"{}", properties)
        except ChannelClosedByBroker as refusal:
            assert refusal.reply_code == PRECONDITION_FAILED  # noqa: PT017 — see above
        else:
            said_by_itself.add(name)
    assert said_by_itself == {user}


@every_user
def test_nobody_enters_another_vhost(deployment: Deployment, user: str) -> None:
    parameters = pika.URLParameters(deployment.amqp_url(user))
    parameters.virtual_host = "/"
    with pytest.raises(AMQPConnectionError):
        BlockingConnection(parameters)


@every_user
async def test_nobody_but_the_administrator_enters_the_management_api(deployment: Deployment, user: str) -> None:
    """Where policies, permissions, definitions and passwords are: the right password is not enough."""
    vhost, name = deployment.administrator.vhost, deployment.prefix + user
    requests = (
        ("GET", "/api/overview"),
        ("GET", "/api/definitions"),
        ("GET", f"/api/queues/{vhost}"),
        ("PUT", f"/api/policies/{vhost}/mine"),
        ("PUT", f"/api/permissions/{vhost}/{name}"),
        ("PUT", f"/api/topic-permissions/{vhost}/{name}"),
        ("PUT", f"/api/users/{name}"),
        ("POST", f"/api/exchanges/{vhost}/orders/publish"),
        ("DELETE", f"/api/queues/{vhost}/{user}/contents"),
    )
    no_reuse = httpx.Limits(max_keepalive_connections=0)  # who is refused before its body is read, is hung up on
    async with httpx.AsyncClient(base_url=deployment.administrator.management, limits=no_reuse) as client:
        assert (await client.get("/api/overview")).status_code == 200  # so it does answer who may ask
        for method, path in requests:
            answer = await client.request(method, path, auth=(name, deployment.passwords[user]), json={})
            assert answer.status_code == 401, (method, path, answer.text)
