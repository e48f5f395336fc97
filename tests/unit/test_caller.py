"""A caller that stops begins nothing more."""

import asyncio
from typing import cast
from uuid import uuid4

import pytest

from saga import Pool
from saga.caller import Caller
from saga.calls import OpenCall
from saga.participant import Participant
from saga.tracing import Caused
from tests.component.toy.handlers import Question, ToySettings, toy

TOLD = {"amqp_url": "amqp://toy@host/", "database_url": "postgresql://toy@host/toy", "api_secret": "x" * 32}


async def test_a_call_that_is_handed_over_while_stopping_is_not_begun() -> None:
    """It waits to be given back: who is told to stop has no time for its answer. Before, it would begin at once."""
    begun: list[str] = []

    async def answer(question: Question, _: object) -> str:
        begun.append(question.saga_id)
        return "answered"

    caller = Caller(Participant(toy, cast(Pool, None)), {Question: answer}, ToySettings.model_validate(TOLD))
    before, after = _call(), _call()
    caller.take([before])
    stopping = asyncio.create_task(caller.stop())
    await asyncio.sleep(0)
    caller.take([after])
    await asyncio.sleep(0)
    stopping.cancel()
    assert begun == [before.saga_id]
    assert set(caller._waiting) == {after.id}
    assert not caller.lease(1)


@pytest.mark.parametrize("what", ["_look", "_renew"])
async def test_a_database_that_stands_still_is_waited_for(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """A statement that isn't answered in time is no reason to end the process."""
    tried = 0

    async def stall() -> None:
        nonlocal tried
        tried += 1
        if tried == 1:
            raise TimeoutError
        caller._stopping = True

    async def nothing() -> None:
        """It is answered."""

    caller = Caller(Participant(toy, cast(Pool, None)), {Question: _answer}, ToySettings.model_validate(TOLD))
    for part in ("_look", "_renew"):
        monkeypatch.setattr(caller, part, stall if part == what else nothing)
    async with asyncio.timeout(5):
        await caller.run()
    assert tried == 2


async def _answer(_: Question, __: object) -> str:
    return "answered"


def _call() -> OpenCall:
    question = Question(toy_id=uuid4(), behaviour="")
    return OpenCall(uuid4(), question.saga_id, "ask", question, Caused("e1", None), attempts=1)
