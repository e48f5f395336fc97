"""What is to exist at the broker follows from the services' declarations alone."""

import re
from datetime import timedelta

import pytest

from events import AboutOrder, Event
from inventory_service.handlers import inventory
from order_service.handlers import order
from payment_service.handlers import payment
from saga import Service, Tx
from saga.topology import LOOKS, NO_TOPIC, Binding, Exchange, Queue, Topology, User, derive
from shipping_service.handlers import shipping

TIERS = (timedelta(seconds=5), timedelta(minutes=5))
SERVICES = [order, inventory, payment, shipping]
whole = derive(SERVICES)


def user(topology: Topology, name: str) -> User:
    return next(user for user in topology.users if user.name == name)


def policies(topology: Topology) -> dict[str, dict[str, object]]:
    return {policy.queue: policy.definition for policy in topology.policies}


def test_the_exchanges_are_those_of_the_contract() -> None:
    """One topic exchange per owner, with the alternate exchange, and a direct one for its retries.

    That one has none: a failed message that finds no queue is returned to its service, which still has it.
    """
    topics = {Exchange(name, "topic", alternate="unrouted") for name in ("orders", "inventory", "payment", "shipping")}
    direct = {Exchange(f"{name}.retry", "direct") for name in ("order", "inventory", "payment", "shipping")}
    assert set(whole.exchanges) == topics | direct | {Exchange("unrouted", "fanout")}
    assert len(whole.exchanges) == len(set(whole.exchanges))


def test_the_queues_of_a_service_are_its_own_its_tiers_and_its_dead_letters() -> None:
    assert {queue.name for queue in whole.queues if queue.name.startswith("inventory")} == {
        "inventory",
        "inventory.retry.5s",
        "inventory.retry.30s",
        "inventory.retry.5m",
        "inventory.dead",
    }
    assert Queue("unrouted") in whole.queues


def test_a_queue_is_bound_to_exactly_the_types_that_its_service_handles() -> None:
    bound = {(binding.exchange, binding.routing_key) for binding in whole.bindings if binding.queue == "inventory"}
    assert bound == {
        ("orders", "order.placed.v1"),
        ("payment", "payment.declined.v1"),
        ("payment", "payment.refunded.v1"),
        ("shipping", "shipment.dispatched.v1"),
        ("inventory.retry", "inventory"),
    }


def test_retries_and_dead_letters_are_reached_through_the_services_own_exchange() -> None:
    """By their names; never the default exchange, and never another service's."""
    for name in ("inventory.retry.5s", "inventory.retry.30s", "inventory.retry.5m", "inventory.dead"):
        assert [binding for binding in whole.bindings if binding.queue == name] == [
            Binding("inventory.retry", name, name)
        ]


def test_what_cannot_be_routed_is_kept() -> None:
    assert Binding("unrouted", "unrouted", "") in whole.bindings


def test_a_tier_holds_messages_for_its_time_and_gives_them_back_without_losing_one() -> None:
    """At least once, which silently becomes at most once unless the queue rejects what it has no room for."""
    definitions = policies(derive([inventory], TIERS))
    for name, milliseconds in (("inventory.retry.5s", 5000), ("inventory.retry.5m", 300_000)):
        assert definitions[name] == {
            "message-ttl": milliseconds,
            "dead-letter-exchange": "inventory.retry",
            "dead-letter-routing-key": "inventory",
            "dead-letter-strategy": "at-least-once",
            "overflow": "reject-publish",
        }


def test_a_message_that_takes_the_process_down_is_parked_at_last() -> None:
    """A crash guard: many more deliveries than ordinary failures ever need."""
    definition = policies(whole)["inventory"]
    assert definition["dead-letter-routing-key"] == "inventory.dead"
    assert (definition["dead-letter-strategy"], definition["overflow"]) == ("at-least-once", "reject-publish")
    assert definition["delivery-limit"] == 50


def test_dead_letters_stay_until_somebody_takes_them() -> None:
    """However often they are looked at; and no policy lets them expire."""
    assert policies(whole)["inventory.dead"] == {"delivery-limit": LOOKS}


def test_what_nobody_hears_never_fills_the_disk() -> None:
    """The newest of it is kept, for a person to see."""
    assert policies(whole)["unrouted"] == {
        "max-length": 100_000,
        "overflow": "drop-head",
        "delivery-limit": LOOKS,
    }


def test_a_policy_applies_to_its_own_queue_only() -> None:
    """Dots in names are dots."""
    names = [queue.name for queue in whole.queues]
    for policy in whole.policies:
        assert [name for name in [*names, "inventoryXdead"] if re.search(policy.pattern, name)] == [policy.queue]
    assert len({policy.name for policy in whole.policies}) == len(whole.policies)


def matching(pattern: str, names: set[str]) -> set[str]:
    """As the broker matches: anywhere in the name, unless the pattern says otherwise."""
    return {name for name in names if re.search(pattern, name)}


NAMES = {queue.name for queue in whole.queues} | {exchange.name for exchange in whole.exchanges}
FOREIGN = {"", "amq.default", "amq.topic", "inventoryXretry", "my.inventory", "inventory.retry.extra", "inventories"}


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_service_may_write_to_its_own_exchanges_and_read_its_own_queues(service: Service) -> None:
    """And nothing else: not another's queue or exchange, not the default exchange, and it declares nothing."""
    everything = NAMES | FOREIGN
    rights = user(whole, service.name)
    assert matching(rights.write, everything) == {service.exchange, f"{service.name}.retry"}
    assert matching(rights.read, everything) == {service.name, f"{service.name}.dead"}
    assert matching(rights.configure, everything - {""}) == set()
    assert rights.exchange == service.exchange
    assert matching(NO_TOPIC, {"", "#", "order.placed.v1"}) == set()


def test_the_publisher_may_write_to_the_front_doors_and_nothing_else() -> None:
    rights = user(whole, "publisher")
    assert matching(rights.write, NAMES | FOREIGN) == {"orders"}
    assert matching(rights.read, (NAMES | FOREIGN) - {""}) == set()
    assert matching(rights.configure, (NAMES | FOREIGN) - {""}) == set()


def test_a_service_alone_brings_the_exchanges_that_it_hears() -> None:
    """Their owners may be provisioned later; there is no publisher where there is no front door."""
    alone = derive([inventory])
    assert {exchange.name for exchange in alone.exchanges if exchange.kind == "topic"} == {
        "orders",
        "inventory",
        "payment",
        "shipping",
    }
    assert {user.name for user in alone.users} == {"inventory"}
    assert {queue.name.partition(".")[0] for queue in alone.queues} == {"inventory", "unrouted"}


def test_services_together_need_no_more_than_each_alone() -> None:
    """Provisioned one by one or at once, the broker ends alike."""
    one_by_one = [derive([service]) for service in SERVICES]
    assert {exchange for topology in one_by_one for exchange in topology.exchanges} == set(whole.exchanges)
    assert {queue for topology in one_by_one for queue in topology.queues} == set(whole.queues)
    assert {binding for topology in one_by_one for binding in topology.bindings} == set(whole.bindings)


def test_without_tiers_there_are_none() -> None:
    """Then what fails is parked at once."""
    assert {queue.name for queue in derive([inventory], ()).queues} == {"inventory", "inventory.dead", "unrouted"}


class Heard(AboutOrder, Event, event_type="a.b-c.v1", exchange="a.b"):
    pass


def test_names_with_dots_give_no_right_to_anything_else() -> None:
    """A dot in a regular expression would match every character."""
    odd = Service("a.b", package="a")

    @odd.on(Heard)
    async def hear(_: Heard, __: Tx) -> None: ...

    rights = user(derive([odd]), "a.b")
    assert matching(rights.write, {"a.b", "aXb", "a.b.retry", "a.bXretry", "aXb.retry"}) == {"a.b", "a.b.retry"}
    assert matching(rights.read, {"a.b", "aXb", "a.b.dead", "a.bXdead"}) == {"a.b", "a.b.dead"}
