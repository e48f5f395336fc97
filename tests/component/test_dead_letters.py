"""Dead letters stay where they are until somebody settles them, however they are looked at."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import aio_pika
import pytest
from aio_pika import Message
from dirty_equals import IsStr

from events import Envelope, Event
from infra.local.servers import Servers
from saga.deadletters import (
    Databases,
    Letter,
    Rehearsal,
    Verdict,
    discard,
    discarded,
    held,
    in_causal_order,
    refuse,
    rehearsal,
    rehearse,
    replay,
)
from saga.errors import BrokerAway, CannotStart
from saga.provisioning import Management
from saga.publisher import Publisher
from saga.testing import enveloped, eventually
from saga.topology import CRASH_LIMIT, derive
from tests.component.conftest import Toy
from tests.component.toy.handlers import (
    Done,
    Ordered,
    Refused,
    Revoked,
    Undone,
    Unwanted,
    Wanted,
    toy,
)
from tests.conftest import in_vhost


@pytest.fixture
def broker(toys: Toy, servers: Servers) -> str:
    """The toy's broker, as its administrator sees it."""
    return in_vhost(servers.amqp, toys.deployment.administrator.vhost)


@pytest.fixture
def databases(toys: Toy) -> Databases:
    return Databases(toys.deployment.administrator.postgres, toys.deployment.prefix)


@pytest.fixture(autouse=True)
async def _nothing_parked(toys: Toy) -> None:
    """What another test has left."""
    await toys.stage.take_dead_letters("toy")


async def look(broker: str) -> list[Letter]:
    async with held(broker, [toy]) as letters:
        return letters


async def replayed(broker: str) -> list[Letter]:
    """All letters, after they went back."""
    publisher = Publisher(broker, "test replay")
    try:
        async with held(broker, [toy]) as letters:
            await replay(in_causal_order(letters), publisher)
    finally:
        await publisher.close()
    return letters


@asynccontextmanager
async def broken(toys: Toy) -> AsyncIterator[None]:
    """The toy runs without its table, and tries nothing again."""
    await toys.fetch("ALTER TABLE mark RENAME TO mislaid")
    async with toys.running(retry_tiers=()):
        yield
    await toys.fetch("ALTER TABLE mislaid RENAME TO mark")


async def parked(toys: Toy, broker: str, *messages: Event | Envelope[Event]) -> list[Letter]:
    """These, after the toy has failed at each."""
    async with broken(toys):
        await toys.stage.say(*messages)
        return await _arrived(broker, len(messages))


async def _arrived(broker: str, number: int) -> list[Letter]:
    async def all_there() -> list[Letter] | None:
        letters = await look(broker)
        return letters if len(letters) == number else None

    arrived = await eventually(all_there)
    assert arrived is not None
    return arrived


async def test_a_look_takes_nothing_however_often(toys: Toy, broker: str) -> None:
    """Also where the broker would throw away what was given out 20 times; and the order of the letters stays."""
    messages = [enveloped(Wanted(toy_id=uuid4())) for _ in range(40)]
    await parked(toys, broker, *messages)
    for _ in range(30):
        assert {letter.id for letter in await look(broker)} == {message.id for message in messages}
    waiting = [letter.message_id for letter in await toys.stage.take_dead_letters("toy")]
    assert waiting == [message.id for message in messages]


async def test_two_who_look_at_once_see_the_same(toys: Toy, broker: str) -> None:
    """One waits for the other: no letter seems to be gone."""
    await parked(toys, broker, *(Wanted(toy_id=uuid4()) for _ in range(5)))
    looks = await asyncio.gather(*(look(broker) for _ in range(4)))
    assert [len(letters) for letters in looks] == [5] * 4


async def test_a_look_is_no_part_of_the_topology(toys: Toy, broker: str) -> None:
    """What it holds on to is a connection's own."""
    made = toys.deployment
    async with held(broker, [toy]):
        management = Management(made.administrator.management, made.administrator.vhost)
        assert await management.superfluous(derive(made.services, made.tiers)) == []


async def test_a_look_that_is_cut_short_takes_nothing(toys: Toy, broker: str) -> None:
    """An operator's laptop may go to sleep at any moment."""
    await parked(toys, broker, Wanted(toy_id=uuid4()))
    with pytest.raises(ZeroDivisionError):
        async with held(broker, [toy]):
            raise ZeroDivisionError
    assert len(await look(broker)) == 1


async def test_a_letter_tells_what_it_was_and_why_it_parked(toys: Toy, broker: str, new_id: UUID) -> None:
    wanted = enveloped(Wanted(toy_id=new_id))
    (letter,) = await parked(toys, broker, wanted)
    assert (letter.id, letter.type, letter.exchange) == (wanted.id, "toy.wanted.v1", "toy_outside")
    assert (letter.error, letter.saga_id, letter.envelope) == ("UndefinedTableError", str(new_id), wanted)
    assert letter.reason == 'UndefinedTableError: relation "mark" does not exist'


async def test_the_saga_of_a_letter_is_known_though_it_is_not_understood(toys: Toy, broker: str, new_id: UUID) -> None:
    """Its data may say it, as far as they can be read; or a property."""
    readable = Message(b'{"toy_id": "%s", "behaviour": 7}' % str(new_id).upper().encode())
    named = Message(b"hello", correlation_id="somebody's toy")
    unknown = Message(b"hello")
    async with toys.running():
        for message in (readable, named, unknown):
            await toys.stage.say_raw("toy_outside", "toy.wanted.v1", message)
        letters = await _arrived(broker, 3)
    assert [letter.saga_id for letter in letters] == [str(new_id), "somebody's toy", None]
    assert {letter.error for letter in letters} == {"InvalidContent"}


async def test_a_replayed_letter_is_handled_under_its_old_id(toys: Toy, broker: str, new_id: UUID) -> None:
    """As if it had just come in, with all its attempts before it; and it is gone from the dead letters."""
    wanted = enveloped(Wanted(toy_id=new_id))
    await parked(toys, broker, wanted)
    async with toys.running():
        await replayed(broker)
        await toys.stage.hears(Done, new_id)
    said = next(e for e in toys.stage.heard if e.saga_id == str(new_id) and e.type == "toy.done.v1")
    assert said.causationid == wanted.id
    assert await look(broker) == []


async def test_a_letter_that_fails_again_parks_again_with_its_first_way_and_its_new_reason(
    toys: Toy, broker: str, new_id: UUID
) -> None:
    """After all the tiers, since it was replayed with attempts to spare."""
    wanted = enveloped(Wanted(toy_id=new_id, behaviour="raise"))
    await parked(toys, broker, wanted)
    async with toys.running():
        await replayed(broker)
        (letter,) = await _arrived(broker, 1)
    assert (letter.id, letter.exchange, letter.type) == (wanted.id, "toy_outside", "toy.wanted.v1")
    assert (letter.reason, letter.attempts) == ("RuntimeError: this toy is broken", 2)


async def test_a_replay_of_what_has_been_handled_changes_nothing(toys: Toy, broker: str, new_id: UUID) -> None:
    """It may come twice: its id is the same, and its step has a fence."""
    wanted = enveloped(Wanted(toy_id=new_id))
    await parked(toys, broker, wanted, wanted)
    async with toys.running():
        await replayed(broker)
        await toys.stage.hears(Done, new_id)
        await eventually(partial(_is_idle, toys))
    assert await toys.marks(new_id) == ["done"]


async def test_letters_go_back_saga_by_saga_and_causes_first(toys: Toy, broker: str) -> None:
    """Whatever the order in which they parked."""
    one, other = uuid4(), uuid4()
    cause = enveloped(Wanted(toy_id=one))
    effect = replace(enveloped(Unwanted(toy_id=one)), causationid=cause.id, time=cause.time)
    later = [enveloped(Wanted(toy_id=toy_id)) for toy_id in (other, *(uuid4() for _ in range(40)))]
    await parked(toys, broker, *reversed(later), effect, cause)
    await replayed(broker)
    expected = [message.id for message in (cause, effect, *later)]
    assert [message.message_id for message in await _taken(broker, "toy")] == expected


async def test_what_the_broker_parked_finds_its_way_back(toys: Toy, broker: str, new_id: UUID) -> None:
    """It carries no headers of ours: where it came from is what the broker says."""
    await toys.stage.say(Wanted(toy_id=new_id))
    async with await aio_pika.connect(broker) as connection:
        for _ in range(CRASH_LIMIT + 1):
            channel = await connection.channel()
            await eventually(partial((await channel.get_queue("toy", ensure=False)).get, fail=False))
            await channel.close()
    (letter,) = await _arrived(broker, 1)
    assert (letter.error, letter.saga_id, letter.type) == ("delivery_limit", str(new_id), "toy.wanted.v1")
    async with toys.running():
        await replayed(broker)
        await toys.stage.hears(Done, new_id)


async def test_a_discarded_letter_is_gone_and_on_record(
    toys: Toy, broker: str, databases: Databases, new_id: UUID
) -> None:
    """With its body, its headers, the reason, and who said so."""
    (letter,) = await parked(toys, broker, Wanted(toy_id=new_id))
    async with held(broker, [toy]) as letters:
        await discard(letters, databases, "a test", "grace")
    assert await look(broker) == []
    (record, *_) = await discarded(toy, databases)
    assert (record.id, record.type, record.saga_id) == (letter.id, "toy.wanted.v1", str(new_id))
    assert (record.reason, record.discarded_by, record.parked_at) == ("a test", "grace", letter.parked_at)
    (row,) = await toys.fetch("SELECT body, headers FROM saga.discarded WHERE id = $1", letter.id)
    assert row["body"] == letter.body
    assert "UndefinedTableError" in row["headers"]


async def test_a_letter_that_cannot_be_recorded_stays(toys: Toy, broker: str, databases: Databases) -> None:
    await parked(toys, broker, Wanted(toy_id=uuid4()))
    await toys.fetch("ALTER TABLE saga.discarded RENAME TO mislaid")
    try:
        with pytest.raises(Exception, match="discarded"):
            async with held(broker, [toy]) as letters:
                await discard(letters, databases, "a test", "grace")
    finally:
        await toys.fetch("ALTER TABLE saga.mislaid RENAME TO discarded")
    assert len(await look(broker)) == 1


async def test_what_was_recorded_and_not_taken_away_is_recorded_once(
    toys: Toy, broker: str, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection may be lost between the two."""
    (letter,) = await parked(toys, broker, Wanted(toy_id=uuid4()))

    async def lost(_: Letter) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(Letter, "remove", lost)
        with pytest.raises(BrokerAway):
            await _discard_all(broker, databases)
    await _discard_all(broker, databases)
    assert len(await toys.fetch("SELECT * FROM saga.discarded WHERE id = $1", letter.id)) == 1


async def test_a_refused_step_says_so_and_never_runs(
    toys: Toy, broker: str, databases: Databases, new_id: UUID
) -> None:
    """Its event names the letter as its cause; the message changes nothing when it comes after all."""
    wanted = enveloped(Wanted(toy_id=new_id))
    await parked(toys, broker, wanted)
    await _refuse(broker, databases, reason="no_such_toy")
    assert await look(broker) == []
    async with toys.running():
        assert await toys.stage.hears(Refused, new_id) == Refused(toy_id=new_id, reason="no_such_toy")
        await toys.stage.say(wanted, Wanted(toy_id=new_id))
        await eventually(partial(_is_idle, toys))
        await toys.stage.say(Unwanted(toy_id=new_id))
        await toys.stage.hears(Undone, new_id)
    assert await toys.marks(new_id) == ["refused", "undone"]
    said = next(e for e in toys.stage.heard if e.saga_id == str(new_id) and e.type == "toy.refused.v1")
    assert (said.causationid, said.source) == (wanted.id, "toy")


async def test_what_nobody_understands_can_be_refused_if_its_saga_is_known(
    toys: Toy, broker: str, databases: Databases, new_id: UUID
) -> None:
    body = Message(b'{"toy_id": "%s", "behaviour": 7}' % str(new_id).encode())
    async with toys.running():
        await toys.stage.say_raw("toy_outside", "toy.wanted.v1", body)
        await _arrived(broker, 1)
        await _refuse(broker, databases)
        await toys.stage.hears(Refused, new_id)


@pytest.mark.parametrize("first", [Wanted, Unwanted])
async def test_a_step_that_is_done_or_blocked_is_not_refused(
    toys: Toy, broker: str, databases: Databases, new_id: UUID, first: type[Wanted | Unwanted]
) -> None:
    """Nothing is said, and the letter stays."""
    await parked(toys, broker, Wanted(toy_id=new_id))
    async with toys.running():
        await toys.stage.say(first(toy_id=new_id))
        await toys.stage.hears(Done if first is Wanted else Undone, new_id)
        with pytest.raises(CannotStart, match=f"toy has done do of {new_id} already, or will never do it"):
            await _refuse(broker, databases)
    assert len(await look(broker)) == 1
    assert "toy.refused.v1" not in toys.stage.types_of(new_id)


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (Unwanted, "toy's undo undoes something, and an undo can't be refused: mend the cause and replay"),
        (Ordered, "toy's ask declares no refusal: mend the cause and replay"),
    ],
)
async def test_what_cannot_be_refused_says_why(
    toys: Toy, broker: str, databases: Databases, event: type[Unwanted | Ordered], why: str
) -> None:
    await parked(toys, broker, event(toy_id=uuid4()))
    with pytest.raises(CannotStart) as refused:
        await _refuse(broker, databases)
    assert str(refused.value) == why
    assert len(await look(broker)) == 1


async def test_a_rehearsal_tells_all_and_keeps_nothing(
    toys: Toy, broker: str, databases: Databases, new_id: UUID
) -> None:
    """The rows that would be new, the fence, the event; afterwards everything is as it was."""
    await parked(toys, broker, Wanted(toy_id=new_id))
    told = await _rehearsed(broker, databases)
    assert (told.verdict, told.fence) == (Verdict.HANDLED, "done")
    assert [(change.table, change.before) for change in told.rows] == [("mark", None)]
    assert told.rows[0].after == {"saga_id": str(new_id), "what": "done", "made_at": IsStr()}
    assert [envelope.data for envelope in told.said] == [Done(toy_id=new_id)]
    assert await toys.marks(new_id) == []
    for table in ("inbox WHERE id = $1", "fence WHERE saga_id = $1", "said WHERE saga_id = $1"):
        assert await toys.fetch(f"SELECT * FROM saga.{table}", str(new_id)) == []
    assert len(await look(broker)) == 1
    async with toys.running():
        await replayed(broker)
        await toys.stage.hears(Done, new_id)


async def test_a_rehearsal_shows_a_row_as_it_is_and_as_it_would_be(
    toys: Toy, broker: str, databases: Databases, new_id: UUID
) -> None:
    await parked(toys, broker, Wanted(toy_id=new_id, behaviour="rewrite"))
    await toys.fetch("INSERT INTO mark (saga_id, what) VALUES ($1, 'old'), ('other', 'old')", str(new_id))
    told = await _rehearsed(broker, databases)
    assert {(_what(change.before), _what(change.after)) for change in told.rows} == {
        (None, "rewritten"),
        ("old", "rewritten"),
    }


async def test_a_rehearsal_shows_rows_that_would_go(toys: Toy, broker: str, databases: Databases, new_id: UUID) -> None:
    """And not those that it would make and delete again."""
    await parked(toys, broker, Wanted(toy_id=new_id, behaviour="erase"))
    await toys.fetch("INSERT INTO mark (saga_id, what) VALUES ($1, 'old'), ('other', 'old')", str(new_id))
    told = await _rehearsed(broker, databases)
    assert [(_what(change.before), _what(change.after)) for change in told.rows] == [("old", None)]


async def test_a_rehearsal_does_not_look_through_a_large_table_for_long(
    toys: Toy, broker: str, databases: Databases, new_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It tells that the table would change; its locks must not hold up the service."""
    looks = rehearsal.sql.written_tables.replace("WHERE xmin", "WHERE pg_sleep(10) IS NOT NULL AND xmin")
    monkeypatch.setitem(rehearsal.sql._texts, "written_tables", looks)
    monkeypatch.setitem(rehearsal.sql._texts, "be_quick", "SET LOCAL statement_timeout = '100ms'")
    await parked(toys, broker, Wanted(toy_id=new_id))
    told = await _rehearsed(broker, databases)
    assert (told.verdict, told.rows, told.unseen) == (Verdict.HANDLED, [], ["mark"])
    assert [envelope.data for envelope in told.said] == [Done(toy_id=new_id)]


async def test_a_rehearsal_tells_what_would_be_asked_of_the_outside_world(
    toys: Toy, broker: str, databases: Databases, new_id: UUID
) -> None:
    await parked(toys, broker, Ordered(toy_id=new_id))
    told = await _rehearsed(broker, databases)
    assert [(type(call).__name__, call.saga_id) for call in told.calls] == [("Question", str(new_id))]
    assert toys.outside.asked == [] or str(new_id) not in dict(toys.outside.asked)


async def test_a_rehearsal_tells_that_nothing_would_happen(
    toys: Toy, broker: str, databases: Databases, new_id: UUID
) -> None:
    """The message has been handled, or its step was done for another message, or is blocked."""
    wanted = enveloped(Wanted(toy_id=new_id))
    blocked = uuid4()
    await parked(toys, broker, wanted, Wanted(toy_id=new_id), Wanted(toy_id=blocked))
    async with toys.running():
        await toys.stage.say(wanted, Unwanted(toy_id=blocked))
        await toys.stage.hears(Done, new_id)
        await toys.stage.hears(Undone, blocked)
    told = [await rehearse(letter, databases) for letter in await look(broker)]
    assert [(t.verdict, t.fence, list(t.rows), list(t.said)) for t in told] == [
        (Verdict.DUPLICATE, "done", [], []),
        (Verdict.FENCED, "done", [], []),
        (Verdict.FENCED, "blocked", [], []),
    ]


async def test_a_rehearsal_tells_that_an_undo_would_wait(
    toys: Toy, broker: str, databases: Databases, new_id: UUID
) -> None:
    """For the outcome of the call that is open."""
    await parked(toys, broker, Revoked(toy_id=new_id))
    toys.outside.failures = 1_000
    async with toys.running():
        await toys.stage.say(Ordered(toy_id=new_id))
        await eventually(partial(toys.marks, new_id))
    toys.outside.failures = 0
    told = await _rehearsed(broker, databases)
    assert (told.verdict, list(told.said)) == (Verdict.NOTED, [])
    assert [row["undo"] for row in await toys.fetch("DELETE FROM saga.call RETURNING undo")] == [None]


async def test_a_rehearsal_tells_why_it_would_park_again(
    toys: Toy, broker: str, databases: Databases, new_id: UUID
) -> None:
    """The handler's exception; or that it still can't be understood."""
    await parked(toys, broker, Wanted(toy_id=new_id, behaviour="raise"))
    async with toys.running():
        await toys.stage.say_raw("toy_outside", "toy.wanted.v1", Message(b"hello"))
        letters = await _arrived(broker, 2)
    told = [await rehearse(letter, databases) for letter in letters]
    assert [t.verdict for t in told] == [Verdict.FAILS, Verdict.FAILS]
    assert told[0].problem == "RuntimeError: this toy is broken"
    assert told[1].problem.startswith("not a valid toy.wanted.v1: Invalid JSON")


async def test_a_rehearsal_may_do_what_the_service_may_and_no_more(
    toys: Toy, broker: str, databases: Databases, new_id: UUID
) -> None:
    """Else a missing right would show only when the letter is replayed."""
    await parked(toys, broker, Wanted(toy_id=new_id))
    role = f'"{toys.deployment.prefix}toy"'
    await toys.fetch(f"REVOKE INSERT ON mark FROM {role}")
    told = await _rehearsed(broker, databases)
    await toys.fetch(f"GRANT INSERT ON mark TO {role}")
    assert (told.verdict, told.problem) == (
        Verdict.FAILS,
        "InsufficientPrivilegeError: permission denied for table mark",
    )


async def _discard_all(broker: str, databases: Databases) -> None:
    async with held(broker, [toy]) as letters:
        await discard(letters, databases, "a test", "grace")


async def _refuse(broker: str, databases: Databases, **told: str) -> None:
    async with held(broker, [toy]) as letters:
        await refuse(letters[0], databases, **told)


async def _rehearsed(broker: str, databases: Databases) -> Rehearsal:
    (letter,) = await look(broker)
    return await rehearse(letter, databases)


def _what(row: Any) -> str | None:
    return row["what"] if row else None


async def _taken(broker: str, name: str) -> Sequence[aio_pika.abc.AbstractIncomingMessage]:
    """What waits in a queue; it is gone from there then."""
    async with await aio_pika.connect(broker) as connection:
        queue = await (await connection.channel()).get_queue(name, ensure=False)
        taken = []
        while (message := await queue.get(no_ack=True, fail=False)) is not None:
            taken.append(message)
        return taken


async def _is_idle(toys: Toy) -> bool:
    """A last message has come through."""
    last = uuid4()
    await toys.stage.say(Wanted(toy_id=last))
    await toys.stage.hears(Done, last)
    return True
