"""What is shown as printed is what is printed."""

import re
from collections.abc import Sequence
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from inventory_service.handlers import inventory, release_stock
from saga import Service
from saga.checking import REPEATS
from saga.cli.check import run_check
from tests.docs.blocks import Block, Kind, blocks_of
from tests.docs.exempt import SHOWN
from tests.unit.test_deletions import SAGAS, changed


def with_a_gap() -> Sequence[Service]:
    release = inventory.step_of(release_stock)
    return changed(SAGAS["orders"], inventory, release, replace(release, hears=release.hears[1:]))


CHECKED = {
    "saga check": lambda: SAGAS["orders"],
    "saga check, where release_stock no longer hears payment.declined.v1": with_a_gap,
}


@pytest.mark.parametrize("block", blocks_of(Kind.OUTPUT), ids=str)
def test_a_command_prints_what_is_shown(block: Block) -> None:
    """Line by line, whatever is printed between; `…` stands for anything, and time passes as it does."""
    printed = StringIO()
    services = CHECKED[SHOWN[block.page, block.first_line]]()
    run_check(sorted(services, key=lambda service: service.name), REPEATS, None, None, Console(file=printed, width=500))
    lines = (re.escape(line).replace("…", ".*") for line in block.text.splitlines())
    wanted = ".*^".join(re.sub(r"\d+\\\.\d\\ s$", r"\\d+\\.\\d s", line) for line in lines)
    assert re.search(f"^{wanted}", printed.getvalue(), re.DOTALL | re.MULTILINE), printed.getvalue()
