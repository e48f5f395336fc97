"""The AsyncAPI document is enough for somebody else, in another language, to place an order and hear its outcome."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.saga.shop import Shop

pytestmark = pytest.mark.skipif(shutil.which("npm") is None, reason="no npm is installed here")

CLIENT = Path(__file__).parents[1] / "javascript"
DOCUMENT = Path(__file__).parents[2] / "docs/asyncapi.json"


@pytest.fixture(scope="module")
def installed() -> None:
    """The client's libraries, as they are locked."""
    subprocess.run(["npm", "ci", "--silent"], cwd=CLIENT, check=True, timeout=100)  # noqa: S607 — whose npm, the caller says


def node(script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 — the scripts are ours
        ["node", str(CLIENT / script), *arguments],  # noqa: S607 — see above
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.usefixtures("installed")
def test_the_official_parser_finds_nothing_wrong_with_the_document() -> None:
    """Neither an error nor a warning."""
    told = node("parse.mjs", str(DOCUMENT))
    assert (told.returncode, told.stderr) == (0, "")
    assert json.loads(told.stdout)["version"] == "3.0.0"


def pointing_nowhere(document: dict[str, Any]) -> None:
    document["operations"]["anyone-says-order.placed.v1"]["channel"]["$ref"] = "#/channels/nowhere"


def out_of_the_language(document: dict[str, Any]) -> None:
    document["operations"]["anyone-says-order.placed.v1"]["action"] = "shout"


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(("spoilt", "clue"), [(pointing_nowhere, "nowhere"), (out_of_the_language, "action")])
def test_the_official_parser_finds_what_is_wrong(
    tmp_path: Path, spoilt: Callable[[dict[str, Any]], None], clue: str
) -> None:
    document = json.loads(DOCUMENT.read_text())
    spoilt(document)
    broken = tmp_path / "asyncapi.json"
    broken.write_text(json.dumps(document))
    told = node("parse.mjs", str(broken))
    assert told.returncode == 1
    assert clue in told.stderr


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("changes", "heard"),
    [
        ({}, ["order.placed.v1", "stock.reserved.v1", "payment.captured.v1", "shipment.scheduled.v1"]),
        (
            {"payment_method": "pm_card_chargeDeclined"},
            ["order.placed.v1", "stock.reserved.v1", "payment.declined.v1", "stock.released.v1"],
        ),
    ],
    ids=["fulfilled", "declined"],
)
def test_a_client_written_from_the_document_alone_places_an_order_and_hears_its_outcome(
    shop: Shop, told: dict[str, str], changes: dict[str, str], heard: list[str]
) -> None:
    client = node(
        "client.mjs",
        str(DOCUMENT),
        json.dumps(changes),
        PUBLISHER_URL=told["SAGA_PUBLISHER_AMQP_URL"],
        LISTENER_URL=told["SAGA_ADMIN_AMQP_URL"],
    )
    assert client.returncode == 0, client.stderr
    story = json.loads(client.stdout)
    assert (story["heard"], story["outcome"]) == (heard, heard[-1])
    assert story["data"]["order_id"] == story["order_id"]
