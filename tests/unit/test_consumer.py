"""What is acknowledged of a batch, and when."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aio_pika.abc import HeadersType

from saga.amqp import Connection, Received
from saga.consumer import Consumer
from saga.declarations import Step
from saga.retries import Known, Retries
from tests.component.toy.handlers import ToySettings, Wanted, toy

TOLD = {"amqp_url": "amqp://toy@host/", "database_url": "postgresql://toy@host/toy", "api_secret": "x" * 32}
STEP = toy.step_for(Wanted)


class Message(Received):
    """Delivered so often before."""

    def __init__(self, tag: int, before: int) -> None:
        super().__init__(tag, "toy_outside", "toy.wanted.v1", b"", b"")
        self._before = before

    @property
    def headers(self) -> HeadersType:
        return {"x-delivery-count": self._before}


class Hearer:
    """Handles whatever comes."""

    only_listens = False
    service = toy
    pool = cast(Any, None)

    def understand(self, message: Any) -> tuple[Step, Known]:
        return STEP, message

    async def handle(self, step: Step, heard: Sequence[Known], /) -> None:
        """Nothing is to be done."""


@pytest.mark.parametrize(
    ("before", "batch"), [([0] * 100, 500), ([2] * 100, 500), ([2] * 100, 40), ([0, 2, 5] * 30, 500)]
)
async def test_all_of_a_batch_is_acknowledged_once(before: list[int], batch: int) -> None:
    """Also if its messages are suspects, which are handled in another order than they came in."""
    left = set(range(1, len(before) + 1))

    def ack(tag: int, *, multiple: bool) -> None:
        acknowledged = {each for each in left if each <= tag} if multiple else {tag}
        assert acknowledged <= left
        left.difference_update(acknowledged)

    settings = ToySettings.model_validate({**TOLD, "batch": batch})
    consumer = Consumer[Known](Hearer(), cast(Retries, None), settings)
    messages = [Message(tag, count) for tag, count in enumerate(before, 1)]
    await consumer._handle(cast(Connection, SimpleNamespace(ack=ack)), messages)
    assert left == set()
