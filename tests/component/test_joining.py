"""A step that waits for several facts of its saga."""

from collections.abc import Sequence
from itertools import permutations
from uuid import UUID

import pytest

from events import Event
from saga.errors import ChoreographyError
from saga.metrics import SKIPPED
from saga.testing import enveloped, eventually
from tests.component.conftest import Toy
from tests.component.toy.handlers import Assembled, Borrowed, Bought, Broken, Dropped, Found, toy

Kinds = Sequence[type[Event]]


async def test_it_runs_when_the_last_fact_has_come_and_takes_all_of_them(toys: Toy, new_id: UUID) -> None:
    """One by one, each in a transaction of its own; what it says names the last as its cause."""
    async with toys.running():
        await toys.stage.say(Bought(toy_id=new_id, behaviour="a wheel"))
        await eventually(lambda: kept(toys, new_id))
        assert await toys.marks(new_id) == []
        last = enveloped(Found(toy_id=new_id, behaviour="an axle"))
        await toys.stage.say(last)
        await toys.stage.hears(Assembled, new_id)
    said = next(e for e in toys.stage.heard if e.saga_id == str(new_id) and e.type == Assembled.event_type)
    assert (said.data, said.causationid) == (Assembled(toy_id=new_id, halves=("an axle", "a wheel")), last.id)


async def test_facts_that_come_at_once_meet(toys: Toy, new_id: UUID) -> None:
    """In one batch."""
    await toys.stage.say(Found(toy_id=new_id), Borrowed(toy_id=new_id))
    async with toys.running():
        await toys.stage.hears(Assembled, new_id)
    assert await toys.marks(new_id) == ["assembled"]


async def test_facts_that_come_to_two_replicas_at_once_meet(toys: Toy) -> None:
    """Neither sees what the other hasn't committed, and yet one of them goes on."""
    ids = [UUID(int=number) for number in range(1, 201)]
    async with toys.running(batch=1, prefetch=1), toys.running(batch=1, prefetch=1):
        for one in ids:
            await toys.stage.say(Found(toy_id=one), Bought(toy_id=one))
        for one in ids:
            await toys.stage.hears(Assembled, one)
    assert [await toys.marks(one) for one in ids] == [["assembled"]] * len(ids)


async def test_the_first_of_several_that_will_do_counts(toys: Toy, new_id: UUID) -> None:
    async with toys.running():
        await toys.stage.say(Borrowed(toy_id=new_id, behaviour="first"))
        await eventually(lambda: kept(toys, new_id))
        await toys.stage.say(Bought(toy_id=new_id, behaviour="second"))
        await toys.stage.say(Found(toy_id=new_id))
        await toys.stage.hears(Assembled, new_id)
    said = next(e.data for e in toys.stage.heard if e.saga_id == str(new_id) and e.type == Assembled.event_type)
    assert isinstance(said, Assembled)
    assert said.halves == ("", "first")


async def test_facts_that_come_again_under_another_id_change_nothing(toys: Toy, new_id: UUID) -> None:
    async with toys.running():
        await toys.stage.say(Found(toy_id=new_id), Bought(toy_id=new_id))
        await toys.stage.hears(Assembled, new_id)
        skipped = SKIPPED.labels("toy", "assemble")._value.get()
        await toys.stage.say(Found(toy_id=new_id), Borrowed(toy_id=new_id))
        await eventually(lambda: fenced_since(skipped))
    assert await toys.marks(new_id) == ["assembled"]
    assert toys.stage.types_of(new_id).count(Assembled.event_type) == 1


@pytest.mark.parametrize("order", [*permutations([Found, Bought, Dropped])], ids=lambda kinds: kinds[2].__name__)
async def test_its_undo_commutes_with_it(toys: Toy, new_id: UUID, order: Kinds) -> None:
    """Wherever it comes between the facts, the toy ends up in pieces, and says so once."""
    async with toys.running(batch=1):
        for kind in order:
            await toys.stage.say(kind.model_validate({"toy_id": new_id}))
        await toys.stage.hears(Broken, new_id)
        await eventually(lambda: kept(toys, new_id, places=2))
    done = ["assembled"] if order[2] is Dropped else []
    assert await toys.marks(new_id) == [*done, "taken apart"]
    assert toys.stage.types_of(new_id).count(Broken.event_type) == 1


def test_a_join_that_waits_twice_for_the_same_is_refused() -> None:
    with pytest.raises(ChoreographyError, match="waits twice for the same"):
        toy.join(Found, Found)(_never)


def test_a_join_of_a_batch_is_refused() -> None:
    with pytest.raises(ChoreographyError, match="takes no batch"):
        toy.join(Found, Bought)(_never_at_all)


async def _never(one: Found, other: Found, tx: object) -> None: ...


async def _never_at_all(facts: Sequence[Found], tx: object) -> None: ...


async def kept(toys: Toy, saga: UUID, places: int = 1) -> bool:
    """Whether so many facts have been heard."""
    rows = await toys.fetch(
        "SELECT 1 FROM saga.joined WHERE saga_id = $1 AND (SELECT count(*) FROM jsonb_object_keys(facts)) = $2",
        str(saga),
        places,
    )
    assert rows
    return True


async def fenced_since(before: float) -> bool:
    assert SKIPPED.labels("toy", "assemble")._value.get() > before
    return True
