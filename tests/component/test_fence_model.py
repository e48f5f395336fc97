"""Inbox and fence against a model of a few lines: whatever comes, in whatever order, from two at once, with crashes."""

import asyncio
import os
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from events import Envelope, Event
from infra.local.servers import Servers
from saga.database import open_pool, transaction
from saga.participant import Participant
from saga.testing import enveloped
from tests.component.toy.handlers import Unwanted, Wanted, toy
from tests.conftest import deployed

EXAMPLES = int(os.environ.get("SAGA_MODEL_EXAMPLES", "20"))
STEPS = int(os.environ.get("SAGA_MODEL_STEPS", "25"))
SAGAS, IDS = 3, 3
"""Few, so that everything meets everything."""

T = TypeVar("T")
Heard = tuple[int, int]
"""A saga, and which of the messages that say the same of it."""
Batch = tuple[bool, list[Heard]]
"""Messages that one transaction handles: all of them do, or all of them undo."""

batches = st.tuples(
    st.booleans(), st.lists(st.tuples(st.integers(1, SAGAS), st.integers(1, IDS)), min_size=1, max_size=5)
)


@dataclass
class Model:
    """What inbox and fence promise, in words of Python."""

    heard: set[tuple[bool, Heard]] = field(default_factory=set)
    effects: Counter[tuple[int, str]] = field(default_factory=Counter)

    def hears(self, batch: Batch) -> None:
        """A message counts once; a step runs once, and never after its undo; an undo runs once."""
        undo, messages = batch
        for saga, which in messages:
            if (undo, (saga, which)) in self.heard:
                continue
            self.heard.add((undo, (saga, which)))
            if undo and not self.effects[saga, "undone"]:
                self.effects[saga, "undone"] = 1
            elif not undo and not self.effects[saga, "done"] and not self.effects[saga, "undone"]:
                self.effects[saga, "done"] = 1


class Crashed(Exception):
    """The process died between two statements."""


@dataclass
class Dying:
    """A transaction that lives for so many statements."""

    tx: Any
    left: int

    def __getattr__(self, name: str) -> Any:
        self.left -= 1
        if self.left < 0:
            raise Crashed
        return getattr(self.tx, name)


class Database:
    """The toy's own, from a thread with an event loop of its own; what the sagas of one example have left in it."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self._pool = self.run(open_pool(url, size=3, application="model"))
        self._participant = Participant(toy, self._pool)
        self._ids: dict[int, UUID] = {}
        self._messages: dict[tuple[bool, Heard], Envelope[Event]] = {}

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def close(self) -> None:
        self.run(self._pool.close())
        self._runner.close()

    def forget(self) -> None:
        self._ids = {saga: uuid4() for saga in range(1, SAGAS + 1)}
        self._messages = {}

    async def handle(self, batch: Batch) -> None:
        undo, _ = batch
        await self._participant.handle(toy.steps["undo" if undo else "do"], self._envelopes(batch))

    async def crash(self, batch: Batch, statements: int) -> bool:
        """Whether it got to its end before."""
        try:
            async with transaction(self._pool) as tx:
                await self._perform(Dying(tx, statements), batch)
        except Crashed:
            return False
        return True

    async def overlap(self, first: Batch, second: Batch, *, commits: bool) -> None:
        """The second begins when the first has done everything but commit, and ends after it."""
        connection = await self._pool.acquire()
        held = connection.transaction()
        await held.start()
        await self._perform(connection, first)
        waiting = asyncio.create_task(self.handle(second))
        await asyncio.wait({waiting}, timeout=0.02)
        await (held.commit() if commits else held.rollback())
        await self._pool.release(connection)
        await waiting

    async def effects(self) -> tuple[Counter[tuple[int, str]], Counter[tuple[int, str]]]:
        """What was done, and what was said of it, by saga."""
        sagas = {str(identity): saga for saga, identity in self._ids.items()}
        async with transaction(self._pool) as tx:
            marks = await tx.fetch("SELECT saga_id, what FROM mark WHERE saga_id = ANY ($1)", list(sagas))
            said = await tx.fetch(
                "SELECT saga_id, split_part(routing_key, '.', 2) AS what FROM saga.said WHERE saga_id = ANY ($1)",
                list(sagas),
            )
        return _counted(marks, sagas), _counted(said, sagas)

    async def _perform(self, tx: Any, batch: Batch) -> None:
        undo, _ = batch
        await self._participant.perform(tx, toy.steps["undo" if undo else "do"], self._envelopes(batch))

    def _envelopes(self, batch: Batch) -> list[Envelope[Event]]:
        """The same message is the same each time."""
        undo, messages = batch
        kind = Unwanted if undo else Wanted
        for heard in messages:
            self._messages.setdefault((undo, heard), enveloped(kind(toy_id=self._ids[heard[0]])))
        return [self._messages[undo, heard] for heard in messages]


def _counted(rows: Sequence[asyncpg.Record], sagas: dict[str, int]) -> Counter[tuple[int, str]]:
    return Counter((sagas[row["saga_id"]], row["what"]) for row in rows)


@pytest.mark.timeout(1200)
async def test_inbox_and_fence_do_what_the_model_does(servers: Servers) -> None:
    """After every step: each effect as often as in the model, and each announced as often as it happened."""
    async with deployed(servers, [toy]) as deployment:
        await asyncio.to_thread(_compare, deployment.database_url("toy"))


def _compare(url: str) -> None:
    database = Database(url)

    class Machine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.model = Model()
            database.forget()

        @rule(batch=batches)
        def heard(self, batch: Batch) -> None:
            database.run(database.handle(batch))
            self.model.hears(batch)

        @rule(batch=batches, statements=st.integers(0, 8))
        def crashed(self, batch: Batch, statements: int) -> None:
            if database.run(database.crash(batch, statements)):
                self.model.hears(batch)

        @rule(first=batches, second=batches, commits=st.booleans())
        def overlapped(self, first: Batch, second: Batch, *, commits: bool) -> None:
            database.run(database.overlap(first, second, commits=commits))
            for batch in (first, second) if commits else (second,):
                self.model.hears(batch)

        @invariant()
        def agrees(self) -> None:
            done, said = database.run(database.effects())
            assert done == +self.model.effects
            assert said == done

    try:
        how = settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, derandomize=True)
        how = settings(how, phases=[Phase.generate])  # to shrink an example would take minutes
        run_state_machine_as_test(Machine, settings=settings(how, suppress_health_check=list(HealthCheck)))
    finally:
        database.close()
