"""`saga`, as an operator types it."""

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.saga.shop import Shop, order_data, order_for

SAGA = str(Path(sys.executable).with_name("saga"))


async def saga(told: dict[str, str], *words: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
    return await asyncio.to_thread(
        subprocess.run,
        [SAGA, *words],
        input=typed,
        env={**os.environ, "COLUMNS": "160", **told},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_publish_validates_and_publishes(shop: Shop, told: dict[str, str]) -> None:
    order = order_for()
    said = await saga(told, "publish", "order.placed.v1", "-", typed=json.dumps(order_data(order)))
    assert (said.returncode, str(order.order_id) in said.stdout) == (0, True), said.stderr
    await shop.eventually(order.order_id, "fulfilled")


async def test_publish_refuses_what_nobody_would_understand(told: dict[str, str]) -> None:
    """In one line that names the field; nothing is published."""
    said = await saga(
        told, "publish", "order.placed.v1", "-", typed=json.dumps(order_data(order_for(), currency="XQZ"))
    )
    assert (said.returncode, said.stderr.count("\n")) == (1, 1)
    assert "currency" in said.stderr


async def test_watch_shows_the_events_of_one_order(shop: Shop, told: dict[str, str]) -> None:
    order = order_for()
    process = await asyncio.create_subprocess_exec(
        SAGA,
        "watch",
        str(order.order_id),
        env={**os.environ, "COLUMNS": "160", **told},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    await process.stdout.readuntil(b"watching")
    await shop.publish(order_for())
    await shop.publish(order)
    shown = await asyncio.wait_for(process.stdout.readuntil(b"shipment.scheduled.v1"), 20)
    process.terminate()
    await process.wait()
    assert re.findall(r"\S+\.v1", shown.decode()) == [
        "order.placed.v1",
        "stock.reserved.v1",
        "payment.captured.v1",
        "shipment.scheduled.v1",
    ]


async def test_a_token_opens_the_doors(shop: Shop, told: dict[str, str]) -> None:
    said = await saga(told, "token", "--for", "me", "--valid", "5m")
    response = await shop.http.get(
        shop.services.url("order") + "/orders", headers={"Authorization": f"Bearer {said.stdout.strip()}"}
    )
    assert response.status_code == 200


async def test_what_is_not_set_is_named(told: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = await saga({}, "watch")
    assert (said.returncode, said.stderr.count("\n")) == (1, 1)
    assert "SAGA_ADMIN_AMQP_URL is not set" in said.stderr
