"""Pieces arrive or come back."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

import httpx
import pytest

from examples.multi_warehouse.events import (
    CancellationRefused,
    GoodsReceived,
    GoodsReturned,
    GoodsShelved,
    TransferCancelled,
    TransferRejected,
)
from examples.playing import Play
from saga.tokens import mint_token
from tests.examples.conftest import Playing


@pytest.mark.timeout(120)
async def test_counts_stay_exact_whatever_becomes_of_a_transfer(play: Playing) -> None:
    """A cancellation brings pieces back from the store room, and not from the shelf."""
    async with play("multi_warehouse") as here, visitor(here) as http:
        shelved, stored = [await here.tell("two chairs") for _ in range(2)]
        for saga in (shelved, stored):
            await here.stage.hears(GoodsReceived, saga)
        answer = await http.post(f"{here.processes.url('branch')}/transfers/{shelved}/shelve")
        assert answer.status_code == HTTPStatus.ACCEPTED
        await here.stage.hears(GoodsShelved, shelved)
        await here.stage.say(TransferCancelled(transfer_id=shelved), TransferCancelled(transfer_id=stored))
        await here.stage.hears(CancellationRefused, shelved)
        assert (await here.stage.hears(GoodsReturned, stored)).quantity == 2
        refused = await here.tell("a sofa, for which there is no room")
        assert (await here.stage.hears(GoodsReturned, refused)).quantity == 1
        missing = await here.tell("more lamps than there are")
        assert (await here.stage.hears(TransferRejected, missing)).reason == "out_of_stock"
        await here.balanced()
        assert await chairs(here, http, "depot") == {"sku": "CHAIR", "on_hand": 9_998, "on_the_road": 0}
        assert await chairs(here, http, "branch") == {"sku": "CHAIR", "on_hand": 2, "stored": 0, "room": 10_000}


async def chairs(here: Play, http: httpx.AsyncClient, warehouse: str) -> Any:
    return (await http.get(f"{here.processes.url(warehouse)}/stock/CHAIR")).json()


def visitor(here: Play) -> httpx.AsyncClient:
    token = mint_token(here.deployment.api_secret, "visitor", timedelta(minutes=5))
    return httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"})
