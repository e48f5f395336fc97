"""Pieces go from one warehouse to another: they arrive, or come back; none is ever counted twice, or not at all."""

from collections.abc import Sequence
from uuid import UUID

from events import Message
from examples.multi_warehouse.branch.handlers import Shelve, branch
from examples.multi_warehouse.depot.handlers import depot
from examples.multi_warehouse.events import TransferCancelled, TransferRequested
from saga.exploring import Scenario, Story

SERVICES = (depot, branch)


def story(sku: str, quantity: int, *, cancelled: bool = False, shelved: bool = False) -> Story:
    def told(saga: UUID) -> Sequence[Message]:
        more: list[Message] = [TransferCancelled(transfer_id=saga)] if cancelled else []
        more += [Shelve(transfer_id=saga)] if shelved else []
        return [TransferRequested(transfer_id=saga, sku=sku, quantity=quantity), *more]

    return told


SCENARIO = Scenario(
    services=SERVICES,
    stories={
        "two chairs": story("CHAIR", 2),
        "two chairs, and cancelled": story("CHAIR", 2, cancelled=True),
        "two chairs, shelved, and cancelled": story("CHAIR", 2, cancelled=True, shelved=True),
        "a sofa, for which there is no room": story("SOFA", 1),
        "more lamps than there are": story("LAMP", 10_000),
    },
    prepared={
        "depot": "INSERT INTO stock VALUES ('CHAIR', 10000, 10000), ('SOFA', 10000, 10000), ('LAMP', 9, 9)",
        "branch": "INSERT INTO stock (sku, room) VALUES ('CHAIR', 10000), ('SOFA', 0), ('LAMP', 10000)",
    },
)
