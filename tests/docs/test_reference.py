"""The reference tells of all that there is."""

import re
from importlib import import_module

import pytest

from tests.docs.blocks import ROOT

DOORS = ("saga", "saga.checking", "saga.exploring", "events")


@pytest.mark.parametrize("door", DOORS)
def test_all_that_a_door_gives_is_in_the_reference(door: str) -> None:
    reference = (ROOT / f"docs/reference/{door.rpartition('.')[2]}.md").read_text(encoding="utf-8")
    told = re.findall(rf"^\.\. [\w:]+:: {re.escape(door)}\.(\w+)", reference, re.MULTILINE)
    assert sorted(set(told)) == sorted(import_module(door).__all__)
