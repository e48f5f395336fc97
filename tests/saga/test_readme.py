"""What the README has its reader type, typed: on a system of its own, which `make up` has left running."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from saga.testing import eventually
from tests.docs.blocks import README, ROOT, Block, blocks

ORDER = "0198f2a0-6f1e-7c3a-9d52-3c1e6b0f4a11"
PLACED = {"order": "fulfilled", "declined": "rejected", "antarctica": "rejected"}
"""What becomes of the sample orders."""
CHOSEN = {"ORDER_ID": ORDER, "MODULE:NAME": "examples.bank_transfer:SCENARIO --schedules 2 --chances 1"}
"""In the place of words that stand for something."""


def shown(heading: str) -> list[Block]:
    return [block for block in blocks() if (block.page, block.heading) == (README, heading)]


UP, *DOORS = shown("Place an order yourself")
(LOOKS,) = shown("Watch it, look inside")
LINES = [line.partition(" #")[0].strip() for line in LOOKS.text.splitlines()]
ON_AND_ON = "saga watch"


@dataclass(frozen=True)
class Reader:
    """Somebody in a clone of this repository. Their `make` is that of its Makefile, in their folder."""

    folder: Path

    def shell(self, typed: str) -> list[str]:
        local = f'make() {{ "{sys.executable}" -m infra.local "$@"; }}'
        return ["bash", "-euo", "pipefail", "-c", f"{local}\n{typed}"]

    def types(self, typed: str) -> str:
        """What is printed; it has to go well."""
        done = subprocess.run(  # noqa: S603 — the README says it
            self.shell(typed),
            cwd=self.folder,
            env={**os.environ, "COLUMNS": "160"},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, f"{typed}\n{done.stdout}{done.stderr}"
        return done.stdout

    def endpoints(self) -> dict[str, str]:
        found: dict[str, str] = json.loads((self.folder / ".run/endpoints.json").read_text(encoding="utf-8"))
        return found

    async def sees(self, order_id: str, status: str) -> None:
        """The order ends like this."""
        places = self.endpoints()
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {places['token']}"}) as http:

            async def ended() -> bool:
                found = (await http.get(f"{places['order']}/orders/{order_id}")).json()
                return bool(found.get("status") == status)

            await eventually(ended)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """With what the README's first block leaves: the system, and a shell that knows the way."""
    folder = tmp_path_factory.mktemp("clone")
    (folder / "docs").symlink_to(ROOT / "docs")
    (folder / ".venv").symlink_to(sys.prefix)
    reader = Reader(folder)
    try:
        reader.types("make up")
        yield reader
    finally:
        reader.types("make down")


def then(typed: str) -> str:
    """In a shell in which the first block was typed."""
    first, *rest = UP.text.splitlines()
    assert first.startswith("make up")
    return "\n".join([*rest, typed])


async def test_an_order_is_placed_through_every_door(reader: Reader) -> None:
    for block in DOORS:
        if block.language == "python":
            (reader.folder / "pasted.py").write_text(block.text, encoding="utf-8")
        reader.types(then("python pasted.py" if block.language == "python" else block.text))
    for sample, status in PLACED.items():
        order = json.loads((ROOT / f"docs/examples/{sample}.json").read_text(encoding="utf-8"))
        await reader.sees(order["order_id"], status)


@pytest.fixture(scope="module")
async def fulfilled(reader: Reader) -> None:
    """Something to look at."""
    reader.types(then("saga publish order.placed.v1 docs/examples/order.json"))
    await reader.sees(ORDER, "fulfilled")


@pytest.mark.usefixtures("fulfilled")
@pytest.mark.parametrize("line", [line for line in LINES if line != ON_AND_ON])
def test_every_look_inside_shows_something(reader: Reader, line: str) -> None:
    typed = line
    for word, choice in CHOSEN.items():
        typed = typed.replace(word, choice)
    assert reader.types(then(typed))


def test_events_are_watched_until_ctrl_c(reader: Reader) -> None:
    assert ON_AND_ON in LINES
    with subprocess.Popen(  # noqa: S603 — the README says it
        reader.shell(then(f"exec {ON_AND_ON}")), cwd=reader.folder, stdout=subprocess.PIPE, text=True
    ) as watching:
        assert watching.stdout is not None
        assert "watching" in watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        assert watching.wait(30) == 128 + signal.SIGINT
