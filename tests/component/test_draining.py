"""`saga drain` tells what a new version would not understand, and takes nothing."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from aio_pika import Message

from infra.local.servers import Servers
from saga import Service, Tx, open_pool
from saga.draining import Report, drain
from saga.participant import Participant
from saga.testing import enveloped, eventually
from tests.component.conftest import Toy
from tests.component.toy.handlers import AboutToy, Done, Ordered, Question, Revoked, Wanted, toy
from tests.conftest import in_vhost


class Coloured(AboutToy, event_type="toy.wanted.v1", exchange="toy_outside"):
    """What `Wanted` has become in a version that forgot to count it up."""

    colour: str


class Sized(Question):
    """What `Question` has become."""

    size: int


newer = Service("toy", package="tests.component.toy")
Sized.__name__ = "Question"


@newer.on(Coloured)
async def do(wanted: Coloured, tx: Tx) -> Done: ...  # type: ignore[empty-body] # it never runs


@newer.on(Ordered)
async def ask(ordered: Ordered, tx: Tx) -> Sized: ...  # type: ignore[empty-body] # see above


@newer.settles(Sized)
async def record(question: Sized, answer: str, tx: Tx) -> None: ...


hearing = replace(toy, steps={**toy.steps}, name="toy")
"""The toy, which also hears what it has done."""


@hearing.on(Done)
async def look(done: Done, tx: Tx) -> None: ...


async def test_what_this_version_wrote_it_understands(servers: Servers, toys: Toy, new_id: UUID) -> None:
    """In its queue, its outbox and its open calls, all of which are as they were afterwards."""
    await leave_on_the_way(toys, new_id)
    for _ in range(2):
        report = await look_at(servers, toys, [hearing])
        assert report.is_understood, report.misunderstood
        places = {place.name: place.waiting for place in report.places if place.waiting}
        assert places == {"the outbox of toy": 1, "the open calls of toy": 1, "toy": 1}
    await finish(toys)


async def test_what_a_newer_version_would_not_understand_is_told_one_by_one(
    servers: Servers, toys: Toy, new_id: UUID
) -> None:
    """An event that lacks what is needed now, one that nobody hears any more, a call and its undo."""
    await leave_on_the_way(toys, new_id)
    report = await look_at(servers, toys, [newer])
    told = sorted(str(one).replace(str(new_id), "it") for one in report.misunderstood)
    await finish(toys)
    assert len(told) == 4, told
    assert "the open calls of toy: Question of it" in told[0]
    assert "no step withdraw any more, which is noted to undo it" in told[0]
    assert "size" in told[1]
    assert "the outbox of toy: toy.done.v1 of it" in told[2]
    assert "nobody hears it any more" in told[2]
    assert "toy: toy.wanted.v1 of it" in told[3]
    assert "colour" in told[3]


async def test_a_letter_that_never_could_be_read_is_no_news(servers: Servers, toys: Toy) -> None:
    async with toys.running():
        await toys.stage.say_raw("toy_outside", "toy.wanted.v1", Message(b"no JSON"))
        await eventually(lambda: parked(servers, toys))
    report = await look_at(servers, toys, [toy])
    await toys.stage.take_dead_letters("toy")
    assert report.is_understood, report.misunderstood
    assert {place.name: place.waiting for place in report.places if place.waiting} == {"toy.dead": 1}


async def test_what_is_too_much_to_look_at_is_not_called_understood(servers: Servers, toys: Toy) -> None:
    saga_ids = [UUID(int=number) for number in range(1001, 1004)]
    await toys.stage.say(*(Wanted(toy_id=saga_id) for saga_id in saga_ids))
    await eventually(lambda: waiting(toys, 3))
    report = await look_at(servers, toys, [toy], most=2)
    await finish(toys)
    assert (report.unseen, report.is_understood) == (1, False)


async def leave_on_the_way(toys: Toy, saga: UUID) -> None:
    """A message in the queue, an event in the outbox, and an open call on which an undo is noted."""
    async with await open_pool(toys.database, size=1, application="test") as pool:
        participant = Participant(toy, pool)
        for event in (Wanted(toy_id=saga), Ordered(toy_id=saga), Revoked(toy_id=saga)):
            await participant.handle(toy.step_for(type(event)), [enveloped(event)])
    await toys.stage.say(Wanted(toy_id=saga))
    await eventually(lambda: waiting(toys, 1))


async def finish(toys: Toy) -> None:
    """Have the toy handle all that is on its way, which is still there."""
    async with toys.running():
        await eventually(lambda: at_rest(toys))


async def look_at(servers: Servers, toys: Toy, services: Sequence[Service], most: int = 100) -> Report:
    administrator = toys.deployment.administrator
    amqp = in_vhost(servers.amqp, administrator.vhost)
    return await drain(services, administrator, amqp, prefix=toys.deployment.prefix, most=most)


async def waiting(toys: Toy, messages: int) -> bool:
    assert await toys.stage.waiting("toy") == messages
    return True


async def at_rest(toys: Toy) -> bool:
    rows = await toys.fetch("SELECT 1 FROM saga.outbox UNION ALL SELECT 1 FROM saga.call")
    assert not rows
    return await waiting(toys, 0)


async def parked(servers: Servers, toys: Toy) -> bool:
    report = await look_at(servers, toys, [toy])
    assert any(place.name == "toy.dead" and place.waiting for place in report.places)
    return True
