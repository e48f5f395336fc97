"""The runtime's promises, on a participant without any business."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from functools import partial
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import aio_pika
import httpx
import pika
import pytest
from aio_pika import Message

from events import Event
from infra.local.servers import Servers
from saga import Service, calls, open_pool, transaction, written
from saga.calls import OpenCall
from saga.database import sql
from saga.errors import BrokerAway
from saga.participant import Participant
from saga.provisioning import DatabaseServer
from saga.publisher import Publisher
from saga.retries import Retries
from saga.testing import at_door, enveloped, eventually
from saga.topology import CRASH_LIMIT
from tests.component.conftest import Toy
from tests.component.toy.chain import chain
from tests.component.toy.handlers import (
    Answered,
    Done,
    Ordered,
    Question,
    Revoked,
    Undone,
    Unwanted,
    Wanted,
    Withdrawn,
    toy,
)
from tests.conftest import in_vhost


async def test_a_step_runs_and_says_what_follows(toys: Toy, new_id: UUID) -> None:
    """The effect and the event that it says are both there; the event names its cause, its saga and its trace."""
    wanted = enveloped(Wanted(toy_id=new_id))
    async with toys.running():
        await toys.stage.say(wanted)
        await toys.stage.hears(Done, new_id)
    assert await toys.marks(new_id) == ["done"]
    said = next(e for e in toys.stage.heard if e.saga_id == str(new_id) and e.type == "toy.done.v1")
    assert (said.causationid, said.correlationid, said.source) == (wanted.id, str(new_id), "toy")
    assert said.traceparent is not None


async def test_a_redelivered_message_changes_nothing(toys: Toy, new_id: UUID) -> None:
    """The same id again, in the same batch or later, is handled once."""
    wanted = enveloped(Wanted(toy_id=new_id))
    async with toys.running():
        await toys.stage.say(wanted, wanted, wanted)
        await toys.stage.hears(Done, new_id)
        await toys.stage.say(wanted)
        await _handled_all(toys)
    assert await toys.marks(new_id) == ["done"]
    assert toys.stage.types_of(new_id).count("toy.done.v1") == 1


async def test_the_same_fact_under_another_id_changes_nothing(toys: Toy, new_id: UUID) -> None:
    """A step runs once for each saga, whoever says again that it should."""
    async with toys.running():
        await toys.stage.say(Wanted(toy_id=new_id), Wanted(toy_id=new_id))
        await toys.stage.hears(Done, new_id)
        await toys.stage.say(Wanted(toy_id=new_id))
        await _handled_all(toys)
    assert await toys.marks(new_id) == ["done"]


@pytest.mark.parametrize("order", sorted(set(permutations("ddu")) | set(permutations("duu"))))
async def test_an_undo_commutes_with_what_it_undoes(toys: Toy, order: tuple[str, ...]) -> None:
    """Done and undone, or blocked for ever: and the undo announces itself once, either way."""
    toy_id = uuid4()
    async with toys.running():
        for letter in order:
            await toys.stage.say(Wanted(toy_id=toy_id) if letter == "d" else Unwanted(toy_id=toy_id))
            await _handled_all(toys)
        await toys.stage.hears(Undone, toy_id)
    expected = ["done", "undone"] if order[0] == "d" else ["undone"]
    assert await toys.marks(toy_id) == expected
    assert toys.stage.types_of(toy_id).count("toy.undone.v1") == 1


async def test_many_sagas_in_any_order_end_alike(toys: Toy) -> None:
    """Duplicates, undos and dos of 60 sagas, shuffled and handled in batches by two replicas: as the model says."""
    dice = random.Random(7)
    sagas = [uuid4() for _ in range(60)]
    messages: list[Event] = [Wanted(toy_id=saga) for saga in sagas for _ in range(dice.randint(1, 3))]
    undone = set(dice.sample(sagas, 30))
    messages += [Unwanted(toy_id=saga) for saga in undone for _ in range(dice.randint(1, 2))]
    dice.shuffle(messages)
    async with toys.running(batch=10), toys.running(batch=3):
        await asyncio.gather(*(toys.stage.say(message) for message in messages))
        await _handled_all(toys)
    for saga in sagas:
        marks = await toys.marks(saga)
        assert marks == ["done"] if saga not in undone else marks in (["done", "undone"], ["undone"])


async def test_a_failing_handler_leaves_no_trace_and_parks_after_the_last_tier(toys: Toy, new_id: UUID) -> None:
    """Its message walks the tiers and then parks, with its reason, the count and the untouched body."""
    wanted = enveloped(Wanted(toy_id=new_id, behaviour="raise"))
    async with toys.running():
        await toys.stage.say(wanted)
        letters = await eventually(lambda: toys.stage.take_dead_letters("toy"))
    assert [letter.body for letter in letters] == [wanted.encode()]
    headers = letters[0].headers
    assert headers["x-reason"] == "RuntimeError: this toy is broken"
    assert headers["x-attempt"] == 2  # as many as there are tiers
    assert (headers["x-original-exchange"], headers["x-original-routing-key"]) == ("toy_outside", "toy.wanted.v1")
    assert letters[0].message_id == wanted.id
    assert await toys.marks(new_id) == []
    assert toys.stage.types_of(new_id) == ["toy.wanted.v1"]


async def test_a_failing_message_that_finds_no_tier_stays_with_its_service(toys: Toy, servers: Servers) -> None:
    """It isn't taken for sent: so it isn't acknowledged, and is nowhere else."""
    await toys.stage.say(Wanted(toy_id=uuid4()))
    publisher = Publisher(toys.deployment.amqp_url("toy"), "test retries")
    retries = Retries("toy", publisher, (timedelta(seconds=7),))
    async with await aio_pika.connect(in_vhost(servers.amqp, toys.deployment.administrator.vhost)) as connection:
        channel = await connection.channel()
        message = await (await channel.get_queue("toy", ensure=False)).get()
        with pytest.raises(BrokerAway, match=r"no queue takes 'toy.retry.7s' from exchange 'toy.retry'"):
            await retries.fail(message, RuntimeError("this toy is broken"))
        await message.ack()
        unrouted = await channel.declare_queue("unrouted", passive=True)
        assert unrouted.declaration_result.message_count == 0
    await publisher.close()


async def test_one_bad_message_does_not_hold_up_the_others_of_its_batch(toys: Toy) -> None:
    """49 good ones around a bad one are done; only the bad one parks."""
    good = [uuid4() for _ in range(49)]
    bad = uuid4()
    messages = [Wanted(toy_id=toy_id) for toy_id in good]
    messages.insert(25, Wanted(toy_id=bad, behaviour="raise"))
    for message in messages:
        await toys.stage.say(message)
    async with toys.running():
        for toy_id in good:
            await toys.stage.hears(Done, toy_id)
        letters = await eventually(lambda: toys.stage.take_dead_letters("toy"))
    assert len(letters) == 1
    assert letters[0].body.count(str(bad).encode()) > 0
    assert await toys.marks(bad) == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not a valid toy.wanted.v1: Invalid JSON: EOF while parsing a value at line 1 column 0"),
        (b"hello", "not a valid toy.wanted.v1: Invalid JSON: expected value at line 1 column 1"),
        (b'{"toy_id": 5}', "not a valid toy.wanted.v1: toy_id: UUID input should be a string, bytes or UUID object"),
        (b"x" * (5 * 1024 * 1024), "the body has 5,242,880 bytes, and at most 1,048,576 are accepted"),
        (
            b'{"specversion":"1.0","type":"toy.done.v1","id":"1","source":"s","data":{}}',
            "the message says it is 'toy.done.v1', but its routing key is 'toy.wanted.v1'",
        ),
    ],
    ids=["empty", "not JSON", "wrong type", "5 MB", "another type"],
)
async def test_an_undecodable_message_parks_at_once(toys: Toy, body: bytes, reason: str) -> None:
    """Raw and whole, with a reason that a person understands; no retry is spent on it."""
    async with toys.running():
        await toys.stage.say_raw("toy_outside", "toy.wanted.v1", Message(body))
        letters = await eventually(lambda: toys.stage.take_dead_letters("toy"))
    assert [letter.body for letter in letters] == [body]
    assert letters[0].headers["x-reason"] == reason
    assert letters[0].headers["x-attempt"] == 0


@pytest.mark.parametrize(
    "properties",
    [{"timestamp": 1_795_000_000_000_000}, {"message_id": b"\xff\xfe"}],
    ids=["microseconds", "an id that is no UTF-8"],
)
async def test_odd_properties_cost_nobody_the_connection(
    toys: Toy, servers: Servers, new_id: UUID, properties: dict[str, Any]
) -> None:
    """A timestamp that no clock can show, or text that is no text, holds up neither its message nor others."""
    body = Wanted(toy_id=new_id).model_dump_json().encode()

    def publish() -> None:
        parameters = pika.URLParameters(in_vhost(servers.amqp, toys.deployment.administrator.vhost))
        with closing(pika.BlockingConnection(parameters)) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            channel.basic_publish("toy_outside", "toy.wanted.v1", body, pika.BasicProperties(**properties))

    async with toys.running():
        await asyncio.to_thread(publish)
        await toys.stage.hears(Done, new_id)
        await _handled_all(toys)
    assert await toys.marks(new_id) == ["done"]
    assert await toys.stage.take_dead_letters("toy") == []


async def test_what_the_broker_delivered_too_often_parks(toys: Toy, servers: Servers, new_id: UUID) -> None:
    """A message that takes the process down each time is in the dead letters in the end, without anybody's help."""
    await toys.stage.say(Wanted(toy_id=new_id))
    async with await aio_pika.connect(in_vhost(servers.amqp, toys.deployment.administrator.vhost)) as connection:
        for _ in range(CRASH_LIMIT + 1):
            channel = await connection.channel()
            queue = await channel.get_queue("toy", ensure=False)
            await eventually(partial(queue.get, fail=False))
            await channel.close()
    letters = await eventually(partial(toys.stage.take_dead_letters, "toy"))
    assert [str(new_id).encode() in letter.body for letter in letters] == [True]


async def test_a_header_from_outside_cannot_forge_an_attempt_or_a_type(toys: Toy, new_id: UUID) -> None:
    """Only who comes through the service's own exchange is believed."""
    forged = Message(
        Wanted(toy_id=new_id).model_dump_json().encode(), headers={"x-original-routing-key": "toy.unwanted.v1"}
    )
    async with toys.running():
        await toys.stage.say_raw("toy_outside", "toy.wanted.v1", forged)
        await toys.stage.hears(Done, new_id)
    assert await toys.marks(new_id) == ["done"]


async def test_a_call_is_repeated_under_the_same_key_until_it_is_answered(toys: Toy, new_id: UUID) -> None:
    """Whoever didn't answer may have acted: it is asked again under the key that it knows."""
    toys.outside.failures = 2
    async with toys.running():
        await toys.stage.say(Ordered(toy_id=new_id))
        await toys.stage.hears(Answered, new_id)
    keys = [key for saga_id, key in toys.outside.asked if saga_id == str(new_id)]
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert await toys.marks(new_id) == ["asked", "answered"]
    assert await toys.fetch("SELECT * FROM saga.call") == []


async def test_an_undo_waits_for_the_outcome_of_an_open_call(toys: Toy, new_id: UUID) -> None:
    """It is noted on the call, and carried out when the outcome is known, in the same transaction."""
    toys.outside.failures = 3
    async with toys.running():
        await toys.stage.say(Ordered(toy_id=new_id))
        await eventually(lambda: toys.marks(new_id))
        await toys.stage.say(Revoked(toy_id=new_id))
        await toys.stage.hears(Withdrawn, new_id)
    assert await toys.marks(new_id) == ["asked", "answered", "withdrawn"]
    assert toys.stage.types_of(new_id) == [
        "toy.ordered.v1",
        "toy.revoked.v1",
        "toy.answered.v1",
        "toy.withdrawn.v1",
    ]


async def test_a_call_is_settled_once_though_it_was_answered_twice(toys: Toy, new_id: UUID) -> None:
    """Who has lost its lease, alive, and has taken it anew, may hold two answers at a time: the first one counts."""
    async with alone(toys, toy) as participant:
        await participant.handle(toy.step_for(Ordered), [enveloped(Ordered(toy_id=new_id))])
        (call,) = await open_calls(participant, new_id)
        await participant.settle([(call, "answered"), (call, "answered again")])
    assert await toys.marks(new_id) == ["asked", "answered"]
    said = await toys.fetch("DELETE FROM saga.said WHERE saga_id = $1 RETURNING routing_key", str(new_id))
    assert [row["routing_key"] for row in said] == ["toy.answered.v1"]


async def test_an_undo_waits_for_the_last_of_several_calls(toys: Toy, new_id: UUID) -> None:
    """The outcome of one leads to the next: what was undone before that was asked would never be undone again."""
    async with alone(toys, chain) as participant:
        await participant.handle(chain.step_for(Ordered), [enveloped(Ordered(toy_id=new_id))])
        await participant.handle(chain.step_for(Revoked), [enveloped(Revoked(toy_id=new_id))])
        for asked in ("Fetch", "Wrap"):
            assert await toys.marks(new_id) == []
            (call,) = await open_calls(participant, new_id)
            assert type(call.call).__name__ == asked
            await participant.settle([(call, "answered")])
    assert await toys.marks(new_id) == ["wrapped", "unwrapped"]
    await toys.fetch("DELETE FROM saga.outbox")


async def test_an_open_call_survives_the_process(toys: Toy, new_id: UUID) -> None:
    """What one process asked and could not learn, the next one learns, under the same key."""
    toys.outside.failures = 1_000
    async with toys.running():
        await toys.stage.say(Ordered(toy_id=new_id))
        await eventually(lambda: toys.marks(new_id))
    toys.outside.failures = 0
    async with toys.running():
        await toys.stage.hears(Answered, new_id, within=30)
    assert len({key for saga_id, key in toys.outside.asked if saga_id == str(new_id)}) == 1


async def test_calls_that_have_not_begun_are_due_for_others_when_a_service_stops(toys: Toy) -> None:
    """One at a time is asked, and the outside world doesn't answer: the stop doesn't wait for all the others."""
    orders = [Ordered(toy_id=uuid4()) for _ in range(5)]
    toys.outside.silent = True
    async with toys.running(calls_at_once=1):
        await toys.stage.say(*orders)
        await eventually(lambda: _open_calls(toys, len(orders)))
        asyncio.get_running_loop().call_later(0.5, setattr, toys.outside, "silent", False)
    due = await toys.fetch("SELECT due_at <= clock_timestamp() AS now FROM saga.call")
    assert [row["now"] for row in due] == [True] * (len(orders) - 1)
    async with toys.running():
        for order in orders:
            await toys.stage.hears(Answered, order.toy_id)
    ours = {str(order.toy_id) for order in orders}
    assert sorted(saga_id for saga_id, _ in toys.outside.asked if saga_id in ours) == sorted(ours)


@pytest.mark.parametrize("table", ["outbox", "call"])
async def test_what_a_killed_process_had_in_hand_is_taken_over_when_its_lease_ends(
    toys: Toy, new_id: UUID, table: str
) -> None:
    """A row under a lease, and nobody at it."""
    if table == "outbox":
        await _leave_in_the_outbox(toys, Done(toy_id=new_id), timedelta(seconds=3))
    else:
        await toys.fetch(
            """INSERT INTO saga.call (id, saga_id, step, type, request, causationid, due_at)
               VALUES (gen_random_uuid(), $1, 'ask', 'Question', $2, 'x', now() + interval '3 seconds')""",
            str(new_id),
            Question(toy_id=new_id, behaviour="").model_dump_json(),
        )
    (lease,) = await toys.fetch(f"SELECT due_at FROM saga.{table}")
    async with toys.running():
        await toys.stage.hears(Done if table == "outbox" else Answered, new_id)
        (clock,) = await toys.fetch("SELECT now()")
    assert clock["now"] >= lease["due_at"]


async def test_a_lease_takes_no_more_calls_than_asked_for(toys: Toy) -> None:
    """300 are due, five are wanted, five are taken, each time others."""
    await toys.fetch(
        """INSERT INTO saga.call (id, saga_id, step, type, request, causationid)
           SELECT gen_random_uuid(), 'x', 'ask', 'Question', '{}', 'x' FROM generate_series(1, 300)"""
    )
    taken = []
    for _ in range(10):
        rows = await toys.fetch(sql.take_calls, 5, timedelta(minutes=1))
        assert len(rows) == 5
        taken += [row["id"] for row in rows]
    assert len(set(taken)) == len(taken)
    await toys.fetch("DELETE FROM saga.call")


async def test_a_clean_stop_finishes_what_is_in_hand(toys: Toy, new_id: UUID) -> None:
    """The handler ends, its event is published, and the message is acknowledged."""
    async with toys.running():
        await toys.stage.say(Wanted(toy_id=new_id, behaviour="slow"))
        await asyncio.sleep(0.5)
    await toys.stage.hears(Done, new_id, within=2)
    assert await toys.fetch("SELECT * FROM saga.outbox") == []
    assert await toys.marks(new_id) == ["done"]


async def test_what_a_dead_process_left_in_the_outbox_is_published(toys: Toy, new_id: UUID) -> None:
    """A row is enough, whoever wrote it."""
    await _leave_in_the_outbox(toys, Done(toy_id=new_id), timedelta(0))
    async with toys.running():
        await toys.stage.hears(Done, new_id)
    assert await toys.fetch("SELECT * FROM saga.outbox") == []


async def test_a_lost_database_pauses_work_and_spends_no_attempt(toys: Toy, new_id: UUID) -> None:
    """While the database refuses connections nothing is retried or parked; afterwards work goes on by itself."""
    admin = DatabaseServer(toys.deployment.administrator.postgres)
    name = f"{toys.deployment.prefix}toy"
    async with toys.running():
        await toys.stage.say(Wanted(toy_id=uuid4()))
        await _handled_all(toys)
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        await admin.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        await toys.stage.say(Wanted(toy_id=new_id))
        await asyncio.sleep(1)
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        await toys.stage.hears(Done, new_id, within=30)
    assert await toys.stage.take_dead_letters("toy") == []
    assert await toys.marks(new_id) == ["done"]


async def test_an_outbox_that_cannot_be_emptied_is_waited_for(toys: Toy, new_id: UUID) -> None:
    """Whatever the database objects to, the process goes on, and forgets what it has published when it may again."""
    role = f'"{toys.deployment.prefix}toy"'
    async with toys.running():
        await toys.fetch(f"REVOKE DELETE ON saga.outbox FROM {role}")
        await toys.stage.say(Wanted(toy_id=new_id))
        await toys.stage.hears(Done, new_id)
        await toys.fetch(f"GRANT DELETE ON saga.outbox TO {role}")
        await eventually(lambda: _is_empty(toys), within=30)


async def test_a_call_that_nobody_understands_holds_up_no_other(toys: Toy, new_id: UUID) -> None:
    """One that another version has left stays open; the others are performed."""
    await toys.fetch(
        """INSERT INTO saga.call (id, saga_id, step, type, request, causationid)
           VALUES (gen_random_uuid(), 'old', 'ask', 'Abolished', '{}', 'x')"""
    )
    async with toys.running():
        await toys.stage.say(Ordered(toy_id=new_id))
        await toys.stage.hears(Answered, new_id)
    assert [row["type"] for row in await toys.fetch("DELETE FROM saga.call RETURNING type")] == ["Abolished"]


async def test_a_lost_broker_connection_is_made_anew(toys: Toy, servers: Servers, new_id: UUID) -> None:
    """An operator closes all connections of the service: it comes back, and nothing is lost or done twice."""
    async with toys.running():
        await toys.stage.say(Wanted(toy_id=uuid4()))
        await _handled_all(toys)
        closed = await eventually(lambda: _close_connections(servers, f"{toys.deployment.prefix}toy"), within=30)
        assert closed
        await toys.stage.say(Wanted(toy_id=new_id))
        await toys.stage.hears(Done, new_id, within=30)
    assert await toys.marks(new_id) == ["done"]


async def test_a_connection_that_is_lost_under_a_message_costs_nothing(
    toys: Toy, servers: Servers, new_id: UUID
) -> None:
    """While its handler runs: it is handled once, and the service comes back by itself."""
    user = f"{toys.deployment.prefix}toy"
    async with toys.running() as url, at_door(toys.deployment, url) as http:
        await eventually(lambda: _connections(servers, user), within=30)
        await toys.stage.say(Wanted(toy_id=new_id, behaviour="slow"))
        await asyncio.sleep(0.3)
        assert await _close_connections(servers, user)
        await toys.stage.hears(Done, new_id, within=30)

        async def is_ready() -> bool:
            return (await http.get("/health/ready")).is_success

        await eventually(is_ready, within=30)
    assert await toys.marks(new_id) == ["done"]


async def test_old_days_are_dropped_from_the_inbox_and_coming_ones_made(toys: Toy) -> None:
    """Events of any day are remembered: of days without a partition among the strays, and moved when it is made."""
    await toys.fetch("DROP TABLE IF EXISTS saga.inbox_20200101")
    await toys.fetch(
        "CREATE TABLE saga.inbox_20200101 PARTITION OF saga.inbox FOR VALUES FROM ('2020-01-01') TO ('2020-01-02')"
    )
    await toys.fetch("DROP TABLE saga.inbox_" + (await _day(toys, 3)).replace("-", ""))
    await toys.fetch(f"INSERT INTO saga.inbox (day, source, id) VALUES ('{await _day(toys, 3)}', 's', 'early')")
    assert await _partition_of(toys, "early") == "saga.inbox_strays"
    await toys.fetch("SELECT saga.keep_inbox('30 days')")
    assert (await _partition_of(toys, "early")).startswith("saga.inbox_20")
    assert (await toys.fetch("SELECT to_regclass('saga.inbox_20200101') AS gone"))[0]["gone"] is None


async def _open_calls(toys: Toy, count: int) -> bool:
    return len(await toys.fetch("SELECT 1 FROM saga.call")) == count


@asynccontextmanager
async def alone(toys: Toy, service: Service) -> AsyncIterator[Participant]:
    """A participant on the toy's database, whose calls and events nobody goes on with."""
    pool = await open_pool(toys.deployment.database_url("toy"), size=3, application="test")
    try:
        yield Participant(service, pool)
    finally:
        await pool.close()


async def open_calls(participant: Participant, saga_id: UUID) -> list[OpenCall]:
    types = written.by_name(participant.service.settlements)
    async with transaction(participant.pool) as tx:
        rows = await tx.fetch(sql.take_calls, 100, timedelta(0))
    return [calls.opened(row, types) for row in rows if row["saga_id"] == str(saga_id)]


async def _is_empty(toys: Toy) -> bool:
    return not await toys.fetch("SELECT 1 FROM saga.outbox")


async def _day(toys: Toy, offset: int) -> str:
    rows = await toys.fetch("SELECT ((now() AT TIME ZONE 'UTC')::date + $1::integer)::text AS day", offset)
    return str(rows[0]["day"])


async def _partition_of(toys: Toy, message_id: str) -> str:
    rows = await toys.fetch("SELECT tableoid::regclass::text AS name FROM saga.inbox WHERE id = $1", message_id)
    return str(rows[0]["name"])


async def _connections(servers: Servers, user: str) -> list[str]:
    """As far as the management API knows of them; its view is a few seconds old."""
    async with httpx.AsyncClient(base_url=servers.management) as client:
        known = (await client.get("/api/connections")).json()
    return [connection["name"] for connection in known if connection.get("user") == user]


async def _close_connections(servers: Servers, user: str) -> int:
    """How many there were."""
    mine = await _connections(servers, user)
    async with httpx.AsyncClient(base_url=servers.management) as client:
        for name in mine:
            await client.delete(f"/api/connections/{name.replace(' ', '%20').replace('>', '%3E')}")
    return len(mine)


async def _handled_all(toys: Toy) -> None:
    """Everything that was published has been handled: a last message has come through, and nothing is left open."""
    last = uuid4()
    await toys.stage.say(Wanted(toy_id=last))
    await toys.stage.hears(Done, last)
    await asyncio.sleep(0.05)


async def _leave_in_the_outbox(toys: Toy, event: Event, lease: timedelta) -> None:
    said = enveloped(event)
    told = ([said.id], [event.exchange], [said.type], [said.saga_id], [None], [said.encode()])
    await toys.fetch(sql.store_outbox, *told, lease)
